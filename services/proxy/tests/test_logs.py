"""A line of the log is worth no request."""

import errno
import io
import logging
import os

from proxy.serving.concurrency import Threads
from proxy.serving.logs import Lines


class Full(io.StringIO):
    """A disk that is full, or a reader that has left."""

    def write(self, _):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_log_that_cannot_be_written_costs_nobody_anything():
    Lines(Full(), Threads()).handle(logging.makeLogRecord({"msg": "prompt accepted"}))
