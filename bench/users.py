"""Several processes that use one queue, as told, all at the same time."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parent.parent

Told = dict[str, Any]


class Users:
    """Processes of `bench.using`, from `with` to its end, and one beside them that cares for the queue as a janitor."""

    def __init__(self, url: str, number: int) -> None:
        self._url = url
        self._number = number
        self._users: list[User] = []
        self._ending = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as ending:
            self._users = [ending.enter_context(User(self._url)) for _ in range(self._number)]
            carer = ending.enter_context(User(self._url))
            carer.tell("care")
            ending.callback(carer.check)
            self._ending = ending.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.close()

    def __getitem__(self, number: int) -> User:
        return self._users[number]

    def do(self, what: str, *, processes: int, **how: Any) -> list[Told]:
        """Have the first of them do this at the same time; what came of it, of each."""
        return together((user, what, how) for user in self._users[:processes])


class User:
    """One process that uses a queue, from `with` to its end."""

    def __init__(self, url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.using", url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        try:
            self.hear()  # the queue is open
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()

    def check(self) -> None:
        """Raise RuntimeError where the process has ended, which nobody else would have heard of."""
        if self._process.poll() is not None:
            raise self._ended()

    def do(self, what: str, **how: Any) -> Told:
        """Have it do this; what came of it."""
        self.tell(what, **how)
        return self.hear()

    def tell(self, what: str, **how: Any) -> None:
        """Tell it what to do."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": what, **how}) + "\n")
        self._process.stdin.flush()

    def hear(self) -> Told:
        """Wait for what came of it. Raises RuntimeError where the process has ended."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        told: Told = json.loads(line)
        return told

    def _ended(self) -> RuntimeError:
        return RuntimeError(f"a process that uses the queue ended with {self._process.wait()}")


def together(parts: Iterable[tuple[User, str, Told]]) -> list[Told]:
    """Have each of these do its part, all at the same time; what came of it, in their order."""
    busy = []
    for user, what, how in parts:
        user.tell(what, **how)
        busy.append(user)
    return [user.hear() for user in busy]
