"""The proxy: takes prompts over HTTP, puts them into the queue, and says where they stand. It never calls Ollama."""
