"""The operator's command line. Nothing else imports it: the long-running processes need not pay for click."""

from promptqueue.operator import audit, control, inspect, keys, maintain, owners, retry, usage
from promptqueue.operator.command import commands
from promptqueue.operator.copies import backups, migrate

__all__ = [
    "audit",
    "backups",
    "commands",
    "control",
    "inspect",
    "keys",
    "maintain",
    "migrate",
    "owners",
    "retry",
    "usage",
]
