"""The database file: its connection, its schema, its place on the disk."""
