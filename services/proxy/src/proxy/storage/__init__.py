"""How this process reads and writes the queue."""
