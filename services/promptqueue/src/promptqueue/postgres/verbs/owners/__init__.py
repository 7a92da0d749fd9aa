"""The verbs about owners: who they are, the keys by which they are known, what was done."""
