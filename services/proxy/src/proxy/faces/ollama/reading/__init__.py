"""Reading: what Ollama's clients ask, field by field, and what is refused of it, in Ollama's words."""
