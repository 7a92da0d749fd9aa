"""The queue itself: prompts in line, claims with leases, answers kept. `queue.PromptQueue` has the verbs."""

from promptqueue.queue import PromptQueue
from promptqueue.storage import Storage, check, connect

__all__ = ["PromptQueue", "Storage", "check", "connect"]
