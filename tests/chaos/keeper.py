"""The keeper: starts the containers that have ended and that Docker will not start again itself."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from support.waiting import until

from chaos.container import EXITED, PAUSED, RUNNING, asked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from chaos.container import Container

LOOK_EVERY = 0.2  # seconds
STOPPED_WITHIN = 20.0  # seconds
LOOK = "{{.State.Status}} {{.State.StartedAt}}"


class Keeper:
    """One thread that looks at some containers again and again."""

    def __init__(self, containers: Sequence[Container]) -> None:
        self._names = [container.name for container in containers]
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._lives: set[tuple[str, str]] = set()
        self._starts = 0

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Start nothing any more."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def restarts(self) -> str:
        """How often a container was started again, in words."""
        again = len(self._lives) - len(self._names)
        return f"{again} containers started again, {again - self._starts} of them by Docker itself"

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Have every container stand still inside, or be away. Those that stood still before go on doing so."""
        with self._lock:  # nothing is started meanwhile
            before = {name for name, (status, _) in self._look().items() if status == PAUSED}
            try:
                until(self._stand_still, "every container stands still", STOPPED_WITHIN)
                yield
            finally:
                asked("unpause", *(name for name in self._names if name not in before))

    def _stand_still(self) -> bool:
        found = self._look()
        if running := [name for name, (status, _) in found.items() if status == RUNNING]:
            asked("pause", *running)
            found = self._look()
        return all(status in (PAUSED, EXITED) for status, _ in found.values())

    def _keep(self) -> None:
        while not self._over.wait(LOOK_EVERY):
            with self._lock:
                found = self._look()
                self._lives |= {(name, started) for name, (_, started) in found.items()}
                # One that Docker is about to start again itself is not exited but restarting.
                ended = [name for name, (status, _) in found.items() if status == EXITED]
                if ended:
                    asked("start", *ended)
                    self._starts += len(ended)

    def _look(self) -> Mapping[str, tuple[str, str]]:
        """Give each container's status, and the moment at which it was last started."""
        lines = asked("inspect", "--format", LOOK, *self._names).stdout.splitlines()
        assert len(lines) == len(self._names), "a container has been removed"
        told = (line.split() for line in lines)
        return {name: (status, started) for name, (status, started) in zip(self._names, told, strict=True)}
