"""The operator's command line. Nothing else imports it: the long-running processes need not pay for click."""

from promptqueue.operator import control, copies, inspect, maintain, retry
from promptqueue.operator.command import commands

__all__ = ["commands", "control", "copies", "inspect", "maintain", "retry"]
