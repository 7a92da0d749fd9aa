"""One Ollama, and what it says, over HTTP."""
