-- By which protocol a prompt came, and who holds its client's call. What an older program that still runs does to a
-- prompt is followed by triggers: it knows nothing of these tables.

CREATE TABLE origins (
    seq INTEGER PRIMARY KEY,  -- of the prompt
    face TEXT NOT NULL,
    echo TEXT NOT NULL
) STRICT;

-- A row of its own while a call is held: an echo can be long, and the row that changes stays small.
CREATE TABLE holds (
    seq INTEGER PRIMARY KEY,
    holder TEXT NOT NULL,  -- the presence of the process that holds the call
    fingerprint TEXT,
    is_open INTEGER NOT NULL DEFAULT 1,  -- until the prompt is completed
    is_kept INTEGER NOT NULL DEFAULT 1  -- 0: erased once nobody will come for it
) STRICT;
-- Those with which something is to happen should their holder be gone.
CREATE INDEX holds_by_holder ON holds (holder) WHERE is_open = 1 OR is_kept = 0;
CREATE INDEX holds_by_fingerprint ON holds (fingerprint) WHERE fingerprint IS NOT NULL;

-- Holders that were found gone, since when. Seconds of the monotonic clock of `boot`.
CREATE TABLE gone_holders (
    holder TEXT PRIMARY KEY,
    boot TEXT NOT NULL,
    since REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER origin_ended AFTER UPDATE OF status ON prompts WHEN NEW.status = 'completed' BEGIN
    UPDATE holds SET is_open = 0 WHERE seq = NEW.seq;
END;
-- Only a retry gives a prompt another number. Whoever held its call was told how it had ended.
CREATE TRIGGER origin_moved AFTER UPDATE OF seq ON prompts WHEN NEW.seq <> OLD.seq BEGIN
    UPDATE origins SET seq = NEW.seq WHERE seq = OLD.seq;
    DELETE FROM holds WHERE seq = OLD.seq;
END;
-- An echo repeats what was asked, and goes with it.
CREATE TRIGGER origin_erased AFTER UPDATE OF erased_at ON prompts WHEN NEW.erased_at IS NOT NULL BEGIN
    DELETE FROM origins WHERE seq = NEW.seq;
    DELETE FROM holds WHERE seq = NEW.seq;
END;
CREATE TRIGGER origin_gone AFTER DELETE ON prompts BEGIN
    DELETE FROM origins WHERE seq = OLD.seq;
    DELETE FROM holds WHERE seq = OLD.seq;
END;

-- What a worker read of the model's server, as JSON. The last column: whoever does not want it does not read it.
ALTER TABLE models ADD COLUMN facts TEXT;
