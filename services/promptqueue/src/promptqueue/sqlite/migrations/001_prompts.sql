-- The queue as it was first released. A released migration is never edited; the next number changes what it left.

CREATE TABLE prompts (
    -- AUTOINCREMENT: SQLite may give the number of a deleted row again, and a newcomer would stand in an old place.
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    priority TEXT NOT NULL CHECK (priority IN ('interactive', 'batch')),
    status TEXT NOT NULL CHECK (status IN ('queued', 'processing', 'completed')),
    outcome TEXT CHECK (outcome IN ('succeeded', 'failed', 'cancelled', 'expired')),
    attempt INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    tokens INTEGER,

    -- Seconds since the epoch, by the wall clock: for display, expiry and retention.
    created_at REAL NOT NULL,
    started_at REAL,
    completed_at REAL,
    expires_at REAL,

    timeout_seconds REAL,
    metadata TEXT,
    error_code TEXT,
    error_message TEXT,

    -- The claim. Seconds of the monotonic clock, which mean something in the boot that they were taken in and in no other.
    worker TEXT,
    boot TEXT,
    claimed_at REAL,
    leased_until REAL,
    run_until REAL,
    not_before REAL,
    max_failures INTEGER,
    ran_seconds REAL,

    CHECK ((status = 'completed') = (outcome IS NOT NULL)),
    CHECK ((status = 'completed') = (completed_at IS NOT NULL)),
    CHECK ((status = 'processing') = (leased_until IS NOT NULL)),
    CHECK (status = 'queued' OR not_before IS NULL),
    CHECK ((error_code IS NULL) = (error_message IS NULL))
) STRICT;

CREATE INDEX prompts_in_line ON prompts (priority DESC, seq) WHERE status = 'queued';
CREATE INDEX prompts_that_expire ON prompts (expires_at) WHERE status = 'queued' AND expires_at IS NOT NULL;
CREATE INDEX prompts_in_hand ON prompts (leased_until) WHERE status = 'processing';
CREATE INDEX prompts_ended ON prompts (completed_at, ran_seconds) WHERE status = 'completed';

-- Texts stand apart: a row that is updated at every claim and renewal stays small, however long its texts are.
CREATE TABLE requests (seq INTEGER PRIMARY KEY, request TEXT NOT NULL) STRICT;
CREATE TABLE answers (seq INTEGER PRIMARY KEY, answer TEXT NOT NULL) STRICT;
CREATE TABLE partials (
    seq INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    offset INTEGER NOT NULL,  -- in code points of the attempt's text
    text TEXT NOT NULL,
    PRIMARY KEY (seq, attempt, offset)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    key TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    prompt_id TEXT NOT NULL,
    created_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Totals are kept, not counted: counting a million rows takes half a second.
CREATE TABLE counters (
    status TEXT NOT NULL,
    priority TEXT NOT NULL,
    prompts INTEGER NOT NULL DEFAULT 0 CHECK (prompts >= 0),
    PRIMARY KEY (status, priority)
) STRICT, WITHOUT ROWID;
INSERT INTO counters (status, priority)
VALUES ('queued', 'interactive'), ('processing', 'interactive'), ('completed', 'interactive'),
       ('queued', 'batch'), ('processing', 'batch'), ('completed', 'batch');

CREATE TRIGGER count_new AFTER INSERT ON prompts BEGIN
    UPDATE counters SET prompts = prompts + 1 WHERE status = NEW.status AND priority = NEW.priority;
END;
CREATE TRIGGER count_moved AFTER UPDATE OF status ON prompts WHEN OLD.status <> NEW.status BEGIN
    UPDATE counters SET prompts = prompts - 1 WHERE status = OLD.status AND priority = OLD.priority;
    UPDATE counters SET prompts = prompts + 1 WHERE status = NEW.status AND priority = NEW.priority;
END;
CREATE TRIGGER count_gone AFTER DELETE ON prompts BEGIN
    UPDATE counters SET prompts = prompts - 1 WHERE status = OLD.status AND priority = OLD.priority;
END;

CREATE TABLE control (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    paused INTEGER NOT NULL DEFAULT 0,
    model_name TEXT,
    model_state TEXT CHECK (model_state IN ('missing', 'downloading', 'ready', 'unreachable')),
    model_percent INTEGER,
    model_processor TEXT,
    model_detail TEXT
) STRICT;
INSERT INTO control (only_row) VALUES (1);
