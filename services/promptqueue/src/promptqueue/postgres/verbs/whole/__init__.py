"""The verbs about the queue as a whole."""
