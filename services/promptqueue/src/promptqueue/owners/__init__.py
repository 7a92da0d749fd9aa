"""Whose prompts they are: owners, what each may take and has taken, the keys by which they are known."""
