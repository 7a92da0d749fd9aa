"""The proxy: takes prompts over HTTP, puts them into the queue, and tells where they stand. It never calls Ollama."""
