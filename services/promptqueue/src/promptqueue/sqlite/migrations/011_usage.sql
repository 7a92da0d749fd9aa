-- What each owner stores, and what it has had of the model. Kept by triggers: a prompt ends in many ways, and an older
-- program that still runs knows none of these tables.

CREATE TRIGGER bytes_stored AFTER INSERT ON prompts WHEN NEW.bytes > 0 BEGIN
    UPDATE owners SET stored_bytes = stored_bytes + NEW.bytes WHERE owner = NEW.owner;
END;
CREATE TRIGGER bytes_changed AFTER UPDATE OF bytes ON prompts WHEN NEW.bytes <> OLD.bytes BEGIN
    UPDATE owners SET stored_bytes = stored_bytes + NEW.bytes - OLD.bytes WHERE owner = NEW.owner;
END;
CREATE TRIGGER bytes_erased AFTER DELETE ON prompts WHEN OLD.bytes > 0 BEGIN
    UPDATE owners SET stored_bytes = stored_bytes - OLD.bytes WHERE owner = OLD.owner;
END;

-- It outlives the prompts.
CREATE TABLE usage (
    owner INTEGER NOT NULL,
    day TEXT NOT NULL,  -- by UTC, such as 2026-01-31
    succeeded INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    expired INTEGER NOT NULL DEFAULT 0,
    prompt_tokens INTEGER NOT NULL DEFAULT 0,
    tokens INTEGER NOT NULL DEFAULT 0,
    seconds REAL NOT NULL DEFAULT 0,  -- of a slot
    PRIMARY KEY (owner, day)
) STRICT, WITHOUT ROWID;

-- The same of all owners together, from the first release that counted it on: it never falls.
CREATE TABLE totals (
    outcome TEXT PRIMARY KEY,
    prompts INTEGER NOT NULL DEFAULT 0,
    prompt_tokens INTEGER NOT NULL DEFAULT 0,
    tokens INTEGER NOT NULL DEFAULT 0,
    seconds REAL NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO totals (outcome) VALUES ('succeeded'), ('failed'), ('cancelled'), ('expired');

-- How long prompts waited and ran that ended after they had been started: how many took longer than the bound before, and
-- not longer than this one.
CREATE TABLE durations (
    what TEXT NOT NULL CHECK (what IN ('waiting', 'running')),
    up_to REAL NOT NULL,  -- seconds
    prompts INTEGER NOT NULL DEFAULT 0,
    seconds REAL NOT NULL DEFAULT 0,  -- of all of them
    PRIMARY KEY (what, up_to)
) STRICT, WITHOUT ROWID;
INSERT INTO durations (what, up_to)
SELECT what, up_to
FROM (SELECT 'waiting' AS what UNION ALL SELECT 'running')
JOIN (SELECT column1 AS up_to FROM (
    VALUES (0.1), (0.25), (0.5), (1), (2.5), (5), (10), (30), (60), (120), (300), (600), (1800), (3600), (9e999)
));

-- What an attempt took lies between `claimed_at` and what its end leaves there; where that is nothing, it counts nothing.
CREATE TRIGGER usage_of_ended AFTER UPDATE OF status ON prompts
WHEN NEW.status = 'completed' AND OLD.status <> 'completed' BEGIN
    INSERT INTO usage (owner, day)
    SELECT NEW.owner, date(NEW.completed_at, 'unixepoch')
    WHERE NOT EXISTS (SELECT 1 FROM usage WHERE owner = NEW.owner AND day = date(NEW.completed_at, 'unixepoch'));
    UPDATE usage
    SET succeeded = succeeded + (NEW.outcome = 'succeeded'), failed = failed + (NEW.outcome = 'failed'),
        cancelled = cancelled + (NEW.outcome = 'cancelled'), expired = expired + (NEW.outcome = 'expired'),
        tokens = tokens + coalesce(NEW.tokens, 0),
        seconds = seconds + CASE OLD.status WHEN 'processing'
            THEN max(0, coalesce(NEW.ran_seconds, NEW.claimed_at - OLD.claimed_at, 0)) ELSE 0 END
    WHERE owner = NEW.owner AND day = date(NEW.completed_at, 'unixepoch');
    UPDATE totals
    SET prompts = prompts + 1, tokens = tokens + coalesce(NEW.tokens, 0),
        seconds = seconds + CASE OLD.status WHEN 'processing'
            THEN max(0, coalesce(NEW.ran_seconds, NEW.claimed_at - OLD.claimed_at, 0)) ELSE 0 END
    WHERE outcome = NEW.outcome;
END;
CREATE TRIGGER durations_of_ended AFTER UPDATE OF status ON prompts
WHEN NEW.status = 'completed' AND OLD.status = 'processing' BEGIN
    UPDATE durations
    SET prompts = prompts + 1, seconds = seconds + took
    FROM (SELECT max(0, NEW.started_at - coalesce(NEW.queued_at, NEW.created_at)) AS took)
    WHERE what = 'waiting' AND up_to = (SELECT min(up_to) FROM durations WHERE what = 'waiting' AND up_to >= took);
    UPDATE durations
    SET prompts = prompts + 1, seconds = seconds + took
    FROM (SELECT max(0, coalesce(NEW.ran_seconds, NEW.claimed_at - OLD.claimed_at, 0)) AS took)
    WHERE what = 'running' AND up_to = (SELECT min(up_to) FROM durations WHERE what = 'running' AND up_to >= took);
END;

-- An owner's newest that have ended are found without reading those of others.
CREATE INDEX prompts_of_owner ON prompts (owner, outcome) WHERE status = 'completed';
