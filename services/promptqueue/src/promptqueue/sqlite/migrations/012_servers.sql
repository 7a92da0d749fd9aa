-- Which model server a prompt was last claimed for: its address, null where the claim named none. As in 004, no row is read.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
SET sql = replace(sql, 'bytes INTEGER NOT NULL DEFAULT 0,', 'bytes INTEGER NOT NULL DEFAULT 0, server TEXT,')
WHERE type = 'table' AND name = 'prompts';
PRAGMA writable_schema = RESET;

-- How many of the server's slots the worker holds. An older worker that still runs knows of none, and has at least one.
ALTER TABLE models ADD COLUMN slots INTEGER NOT NULL DEFAULT 1;
