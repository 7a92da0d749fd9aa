"""The log: what a line looks like, whoever writes it, and complaints that are made once."""

import logging
import sys
import time


class Format(logging.Formatter):
    """When it was, in UTC, ISO 8601 with milliseconds and Z; how grave it is; who says it; what happened."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")


def to_stdout(level: str, handler: logging.Handler | None = None) -> None:
    """Send this process's log to standard output; `level` is the least grave that is written.

    `handler` writes the lines where Python's own, which writes each at once, would cost too much.
    """
    handler = handler or logging.StreamHandler(sys.stdout)
    handler.setFormatter(Format())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.logThreads = logging.logMultiprocessing = False  # no line names a thread or a process


class Once:
    """Complains once, until all is well again: what fails each second must not fill it. For one thread."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._has_complained = False

    def warn(self, message: str, *args: object) -> None:
        """Warn, unless that was done already since all was well; then it is a line for whoever debugs."""
        self.complain(logging.WARNING, message, *args)

    def complain(self, level: int, message: str, *args: object, exc_info: bool = False) -> None:
        """Complain as gravely as `level` says, of `logging`'s levels; `exc_info` adds the traceback."""
        self._log.log(logging.DEBUG if self._has_complained else level, message, *args, exc_info=exc_info)
        self._has_complained = True

    def well(self, message: str | None = None, *args: object) -> None:
        """Say that all is well, with `message` where a complaint preceded it: the next complaint is made again."""
        if self._has_complained and message is not None:
            self._log.info(message, *args)
        self._has_complained = False
