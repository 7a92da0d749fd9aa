"""The operator's command line. Nothing else imports it: the long-running processes need not pay for click."""

from promptqueue.operator import audit, control, copies, inspect, keys, maintain, owners, retry, usage
from promptqueue.operator.command import commands

__all__ = ["audit", "commands", "control", "copies", "inspect", "keys", "maintain", "owners", "retry", "usage"]
