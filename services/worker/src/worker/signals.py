"""SIGTERM and SIGINT, waited for like anything else."""

import select
import signal
import socket


class Signals:
    """Hears the signals that ask a process to end. Made by the main thread.

    They arrive through a socket: a handler that set a threading.Event could meet the Event's lock in the hands of the
    very thread that it interrupts, and wait for ever.
    """

    def __init__(self) -> None:
        """Take over SIGTERM and SIGINT."""
        self._ear, self._mouth = socket.socketpair()
        self._ear.setblocking(False)
        self._mouth.setblocking(False)
        signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: None)

    def wait(self, timeout: float) -> int:
        """Wait at most `timeout` seconds; how many signals came, 0 when time is up."""
        readable, _, _ = select.select([self._ear], [], [], timeout)
        return len(self._ear.recv(64)) if readable else 0
