"""Ollama's wire format without a model: the one thing that tests and `make demo` simulate."""
