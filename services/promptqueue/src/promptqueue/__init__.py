"""The queue itself: prompts in line, claims with leases, answers kept. See `queue.PromptQueue` for the contract."""

from promptqueue.queue import PromptQueue
from promptqueue.storage import connect

__all__ = ["PromptQueue", "connect"]
