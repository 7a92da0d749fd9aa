"""A container as Docker lets one treat it: struck from outside, or its processes from inside."""

from __future__ import annotations

import signal
import subprocess

from simulator.client import NotRunning
from support.waiting import until

ENDED_WITHIN = 20.0  # seconds

RUNNING, PAUSED, EXITED = "running", "paused", "exited"

SIGNAL_ALL = 'if [[ $1 == KILL ]]; then kill -KILL -1; else kill -"$1" 1; fi'
SIGNAL_ONE = """
for folder in /proc/[0-9]*; do
    mapfile -d "" -t words < "$folder/cmdline"
    if [[ "${words[*]}" == *"$1" ]]; then kill -"$2" "${folder#/proc/}"; fi
done
"""


class Container:
    """One by its name. What is done to it when it is not there is done to nobody."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def status(self) -> str:
        """Docker's word for where it stands; empty when there is no such container."""
        return asked("inspect", "--format", "{{.State.Status}}", self.name).stdout.strip()

    @property
    def is_running(self) -> bool:
        return self.status == RUNNING

    @property
    def is_alive(self) -> bool:
        """Whether its processes exist, be it standing still."""
        return self.status in (RUNNING, PAUSED)

    def signal(self, number: int) -> None:
        """Send it a signal. To end is then what somebody wanted: its restart policy does not bring it back."""
        match signal.Signals(number):
            case signal.SIGSTOP:
                # Not `docker kill --signal STOP`: that stops Docker's init, and nobody else.
                asked("pause", self.name)
            case signal.SIGCONT:
                asked("unpause", self.name)
            case other:
                asked("kill", "--signal", other.name, self.name)

    def kill(self) -> None:
        """End it at once; returns when it has ended."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order; returns when it has ended."""
        self._end(signal.SIGTERM)

    def start(self) -> None:
        """Start it again.

        Raises:
            NotRunning: it cannot be started.
        """
        done = asked("start", self.name)
        if done.returncode:
            raise NotRunning([*done.args, done.stderr])

    def _end(self, number: int) -> None:
        self.signal(number)
        until(lambda: not self.is_alive, f"{self.name} has ended", ENDED_WITHIN)


class Inside:
    """The processes of a container, struck from inside: to Docker it ends by itself, and its restart policy holds."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def signal(self, number: int) -> None:
        """Send SIGKILL to each of them, any other signal to the first."""
        asked("exec", self._container.name, "bash", "-c", SIGNAL_ALL, "-", _short(number))


class ProcessInside:
    """The process of a container whose command ends with these words."""

    def __init__(self, container: Container, words: str) -> None:
        self._container = container
        self._words = words

    def signal(self, number: int) -> None:
        asked("exec", self._container.name, "bash", "-c", SIGNAL_ONE, "-", self._words, _short(number))


def asked(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Ask Docker for something that it may refuse."""
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)


def _short(number: int) -> str:
    return signal.Signals(number).name.removeprefix("SIG")
