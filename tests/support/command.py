"""A command as somebody types it into a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

from support.processes import below
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from support.processes import Process

WITHIN = 60.0  # seconds


class Command:
    """It runs until it is told to end."""

    def __init__(self, words: Sequence[str], folder: Path, log: Path, **variables: str) -> None:
        self._log = log
        with log.open("wb") as output:  # as a shell's > does: not for appending
            self._process = subprocess.Popen(
                words,
                cwd=folder,
                env={**os.environ, **variables},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def until_it_says(self, words: str, within: float = WITHIN) -> None:
        until(lambda: words in self.said or self._process.poll() is not None, f"it says {words!r}", within)
        assert words in self.said, self.said

    def processes(self) -> list[Process]:
        """Itself, and all that it started."""
        return below(self._process.pid)

    def press_ctrl_c(self) -> None:
        os.killpg(self._process.pid, signal.SIGINT)

    def interrupt(self) -> int:
        """Press Ctrl+C and wait for its end; the exit code."""
        self.press_ctrl_c()
        return self.wait()

    def hang_up(self) -> None:
        """Close the terminal."""
        os.killpg(self._process.pid, signal.SIGHUP)

    def wait(self, within: float = WITHIN) -> int:
        """Let it end by itself; the exit code."""
        return self._process.wait(within)

    def kill(self) -> None:
        for process in self.processes():
            process.signal(signal.SIGKILL)
        self._process.wait()
