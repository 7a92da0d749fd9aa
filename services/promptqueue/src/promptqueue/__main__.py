"""`python -m promptqueue`: the queue in the hands of whoever runs it."""

import sys

from promptqueue.operator import commands

sys.exit(commands(prog_name="python -m promptqueue"))
