"""Everything that runs under `make run` and `make demo`, from its start to its end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROC = Path("/proc")
STARTS_WITHIN = 30.0  # seconds
LAST_WORDS = 5.0  # seconds that a program may take beyond the drain
OWN = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Asks an address of this machine, which no proxy for the outside world knows."""


class Product:
    """Everything that runs, under supervisord. The signals that end this process end it in order."""

    def __init__(self, configuration: str, environment: dict[str, str], scratch: Path, *, drain: float) -> None:
        self._drain = drain
        self._asked: list[int] = []
        self._supervisord: subprocess.Popen[bytes] | None = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # as nohup has it
                signal.signal(number, self._ask)
        command = [sys.executable, "-m", "worker.supervision", "-c", configuration, "-j", f"{scratch}/pid"]
        if os.getuid() == 0:
            command += ["-u", "0"]  # else it complains that nobody told it to be root
        self._supervisord = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment | {"HEARTBEAT_PATH": f"{scratch}/worker.heartbeat"},
            start_new_session=True,  # so that Ctrl+C reaches this process alone, which then ends the others in order
        )
        if self._asked:
            self._supervisord.terminate()

    @property
    def is_wanted(self) -> bool:
        """Whether it runs, and nobody has ended it yet."""
        return not self._asked and self._supervisord.poll() is None

    def answers(self, url: str) -> bool:
        """Wait until the proxy answers; whether it does."""
        deadline = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < deadline and self.is_wanted:
            try:
                with OWN.open(url, timeout=1):
                    return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        return False

    def wait(self) -> int:
        """Wait until it has ended; 0 where somebody wanted it to, else 1."""
        code = self._supervisord.wait()
        if code < 0:  # supervisord was killed, and nobody else ends what it had started
            self._end_the_rest()
        if self._asked:
            return 0
        why = (
            "supervisord was killed"
            if code < 0
            else "one of its programs cannot be kept running; the log above says why"
        )
        print(f"The product ends: {why}.", file=sys.stderr)
        return 1

    def end(self) -> None:
        """End it, and wait until it has."""
        self._supervisord.terminate()
        self._supervisord.wait()

    def _ask(self, number: int, _frame: object) -> None:
        if number == signal.SIGINT:
            words = "Stopping at once; a prompt in hand goes back into the line."
            if not self._asked:
                words = (
                    f"Stopping; a prompt in hand may take up to {self._drain:g} seconds more. Ctrl+C again: at once."
                )
            with contextlib.suppress(OSError):
                os.write(1, f"\n{words}\n".encode())
        if self._supervisord:
            if self._asked:
                self._signal_the_rest(signal.SIGTERM)  # by a second one the worker lets go of its prompt
            else:
                self._supervisord.terminate()
        self._asked.append(number)

    def _end_the_rest(self) -> None:
        self._signal_the_rest(signal.SIGTERM)
        deadline = time.monotonic() + self._drain + LAST_WORDS
        while time.monotonic() < deadline and self._rest():
            time.sleep(0.1)
        self._signal_the_rest(signal.SIGKILL)

    def _signal_the_rest(self, number: int) -> None:
        for pid in self._rest():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _rest(self) -> list[int]:
        """What supervisord has started: all of it is in the session that began with it."""
        session = self._supervisord.pid
        return [pid for pid in pids() if pid != session and session_of(pid) == session]


def pids() -> list[int]:
    if PROC.is_dir():
        return [int(each.name) for each in PROC.glob("[0-9]*")]
    listed = subprocess.run(["ps", "-A", "-o", "pid="], stdout=subprocess.PIPE, text=True, check=True)  # noqa: S607
    return [int(pid) for pid in listed.stdout.split()]


def session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None
