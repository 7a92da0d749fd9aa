-- The era in which a process holds its locks: one that has not come back yet since the server was away has none.

ALTER TABLE presences ADD COLUMN era text NOT NULL DEFAULT era();
