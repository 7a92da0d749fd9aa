"""The queue in PostgreSQL, for more than one host: all that knows psycopg, a server, its locks, its notifications."""
