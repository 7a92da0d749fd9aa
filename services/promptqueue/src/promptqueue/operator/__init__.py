"""The operator's command line. Each command is a few verbs of `promptqueue.queue.PromptQueue` and how they are told.

Nothing else imports it, for what it needs (click) the long-running processes shall not pay for.
"""

from promptqueue.operator import control, inspect, maintain, retry
from promptqueue.operator.command import commands

__all__ = ["commands", "control", "inspect", "maintain", "retry"]
