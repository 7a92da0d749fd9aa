-- The model is described by each worker for each of its servers, and one word does not overwrite the other. An older
-- worker that still runs goes on writing the columns of `control`, which nobody reads any more.

CREATE TABLE models (
    worker TEXT NOT NULL,
    server TEXT NOT NULL,  -- its address
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('missing', 'downloading', 'ready', 'unreachable', 'troubled')),
    percent INTEGER,
    processor TEXT,
    detail TEXT,
    retry_at REAL,  -- seconds since the epoch
    PRIMARY KEY (worker, server)
) STRICT, WITHOUT ROWID;

-- The name outlives the worker that gave it: the row of one that is not alive says no more than that.
INSERT INTO models (worker, server, name, state)
SELECT 'unknown', 'unknown', model_name, model_state FROM control WHERE model_name IS NOT NULL;
