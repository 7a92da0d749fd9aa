"""The worker: claims prompts, has Ollama answer them, and writes the answers back. `main.py` wires it."""
