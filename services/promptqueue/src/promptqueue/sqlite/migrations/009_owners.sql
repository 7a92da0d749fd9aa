-- Whose prompts they are.
-- Owner 0 is everybody, who needs no key; 1 are pages of other origins. Who has a key comes after those.

CREATE TABLE owners (
    owner INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    weight REAL NOT NULL DEFAULT 1 CHECK (weight > 0),
    -- What it has now, kept by triggers.
    running INTEGER NOT NULL DEFAULT 0 CHECK (running >= 0),
    stored_bytes INTEGER NOT NULL DEFAULT 0 CHECK (stored_bytes >= 0),
    -- What it may have; null is the default.
    max_waiting INTEGER,
    max_running INTEGER,
    max_stored_bytes INTEGER,
    max_streams INTEGER,
    max_requests_a_second REAL,
    max_tokens_a_day INTEGER
) STRICT;
INSERT INTO owners (owner, name, weight) VALUES (0, 'everybody', 3), (1, 'pages', 1);

-- `bytes` are those of a prompt's request, and of its answer once there is one. As in 004, no row is read for it.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(sql, 'erased_at REAL,',
    'erased_at REAL, owner INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,')
WHERE type = 'table' AND name = 'prompts';
PRAGMA writable_schema = RESET;

-- Of a key only the digest is kept. A row stays for good: where there is one, nobody is served without a key.
CREATE TABLE keys (
    digest TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    owner INTEGER NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('user', 'metrics', 'admin')),
    -- Seconds since the epoch.
    created_at REAL NOT NULL,
    expires_at REAL,
    revoked_at REAL,
    used_at REAL
) STRICT, WITHOUT ROWID;

-- It moves whenever a process that knows the keys by heart must read them again.
ALTER TABLE control ADD COLUMN keys_version INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER key_made AFTER INSERT ON keys BEGIN
    UPDATE control SET keys_version = keys_version + 1;
END;
CREATE TRIGGER key_changed AFTER UPDATE OF owner, role, expires_at, revoked_at ON keys BEGIN
    UPDATE control SET keys_version = keys_version + 1;
END;
CREATE TRIGGER key_gone AFTER DELETE ON keys BEGIN
    UPDATE control SET keys_version = keys_version + 1;
END;
CREATE TRIGGER owner_limited AFTER UPDATE OF name, weight, max_waiting, max_running, max_stored_bytes, max_streams,
    max_requests_a_second, max_tokens_a_day ON owners BEGIN
    UPDATE control SET keys_version = keys_version + 1;
END;

-- By which this queue's proxy processes sign what they hand out, so that each knows what another signed.
ALTER TABLE control ADD COLUMN secret BLOB;

CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at REAL NOT NULL,  -- seconds since the epoch
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    done_to TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_age ON audit (at);
