"""The queue itself: prompts in line, claims with leases, answers kept. See `queue.PromptQueue` for the contract."""

from promptqueue.connect import connect
from promptqueue.queue import PromptQueue

__all__ = ["PromptQueue", "connect"]
