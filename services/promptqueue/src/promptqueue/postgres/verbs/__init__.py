"""The queue's verbs, written in PostgreSQL's SQL."""
