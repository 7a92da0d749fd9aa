"""A line of the log is worth no request."""

import errno
import io
import logging
import os
import subprocess
import sys

from proxy.serving.concurrency import Concurrency
from proxy.serving.logs import Lines


class Full(io.StringIO):
    """A disk that is full, or a reader that has left."""

    def write(self, _):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_log_that_cannot_be_written_costs_nobody_anything():
    Lines(Full(), Concurrency()).handle(logging.makeLogRecord({"msg": "prompt accepted"}))


BOTH_KINDS = """
from gevent import joinall, monkey, sleep, spawn
monkey.patch_all()
import logging, sys
from proxy.serving import concurrency
from proxy.serving.logs import Lines

here = concurrency.current()
log = logging.getLogger()
log.addHandler(Lines(sys.stdout, here))
log.setLevel("INFO")

def say():
    for number in range(3000):
        log.info("one more")

def say_in_turns():
    for number in range(3000):
        log.info("one more")
        if not number % 7:
            sleep(0)

natively = [spawn(here.one_at_a_time(), say) for _ in range(3)]
joinall(natively + [spawn(say_in_turns) for _ in range(5)], raise_error=True)
"""


def test_native_threads_and_greenlets_write_their_lines_without_waiting_for_each_other():
    said = subprocess.run([sys.executable, "-c", BOTH_KINDS], capture_output=True, text=True, timeout=60, check=True)

    assert said.stdout == "one more\n" * 8 * 3000
