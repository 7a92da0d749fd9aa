"""OpenAI's protocol, below /v1."""
