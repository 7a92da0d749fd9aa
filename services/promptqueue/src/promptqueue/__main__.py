"""`python -m promptqueue`: the queue in the hands of whoever runs it."""

import signal
import sys

try:
    from promptqueue.operator import commands
except ModuleNotFoundError as missing:
    if missing.name != "click":
        raise
    sys.exit("The queue's command line needs click: install promptqueue[operator].")

for number in (signal.SIGTERM, signal.SIGHUP):
    # As an exception, so that a copy that is not whole yet is taken away.
    signal.signal(number, lambda number, _frame: sys.exit(128 + number))
sys.exit(commands(prog_name="python -m promptqueue"))
