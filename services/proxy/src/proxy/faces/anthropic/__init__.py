"""Anthropic's Messages API in front of the queue.

Its own specification is at https://docs.anthropic.com/en/api/messages. A request is read into Ollama's words, and what
the model server says is written in this protocol's.
"""

from proxy.faces.anthropic.routes import blueprint

__all__ = ["blueprint"]
