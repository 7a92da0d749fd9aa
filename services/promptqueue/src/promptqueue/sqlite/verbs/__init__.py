"""The queue's verbs, written in SQL."""
