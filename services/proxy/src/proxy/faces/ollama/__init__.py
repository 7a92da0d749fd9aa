"""Ollama's own protocol in front of the queue: what its clients send and read, with nothing of ours in its records."""
