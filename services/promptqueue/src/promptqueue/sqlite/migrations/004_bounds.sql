-- Why a prompt was put back, whose fault that may be, and what is kept of it:
--   last_error                            a line of words
--   bad_ends, bad_since, bad_at, bad_boot  ends that nobody can explain, since the prompt was accepted or retried; seconds
--                                         of the monotonic clock of `bad_boot`
--   queued_at, erased_at                  when it was retried last, when its request was erased; seconds since the epoch
-- The text of the table is changed, which is what ADD COLUMN comes to. That also reads the whole table, for each column, to
-- see whether the rows keep the CHECKs, longer than a lease where there are a million (https://sqlite.org/lang_altertable.html, 7).
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(sql, 'ran_seconds REAL,', 'ran_seconds REAL, last_error TEXT, bad_ends INTEGER NOT NULL DEFAULT 0, '
    || 'bad_since REAL, bad_at REAL, bad_boot TEXT, queued_at REAL, erased_at REAL,')
WHERE type = 'table' AND name = 'prompts';
PRAGMA writable_schema = RESET;
CREATE INDEX prompts_unrun ON prompts (completed_at)
WHERE status = 'completed' AND attempt = 0 AND erased_at IS NULL;

-- In code points: SQLite's length() ends at the first U+0000, which a model may well write. An older worker leaves it out.
ALTER TABLE partials ADD COLUMN length INTEGER;

-- The model server may answer and still be unable to serve; a check of a column is changed by making its table anew.
CREATE TABLE control_with_trouble (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    paused INTEGER NOT NULL DEFAULT 0,
    model_name TEXT,
    model_state TEXT CHECK (model_state IN ('missing', 'downloading', 'ready', 'unreachable', 'troubled')),
    model_percent INTEGER,
    model_processor TEXT,
    model_detail TEXT,
    model_retry_at REAL,  -- seconds since the epoch
    -- Since when the wall clock has kept step with the machine's own, in the boot named, and how far they are apart.
    clock_boot TEXT,
    clock_since REAL,
    clock_offset REAL
) STRICT;
INSERT INTO control_with_trouble (only_row, paused, model_name, model_state, model_percent, model_processor, model_detail)
SELECT only_row, paused, model_name, model_state, model_percent, model_processor, model_detail FROM control;
DROP TABLE control;
ALTER TABLE control_with_trouble RENAME TO control;
