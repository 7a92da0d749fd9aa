"""What is asked of every peer."""

from __future__ import annotations

from contextlib import nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

INSTALL = "not installed: see requirements/peers.txt"


class Peer:
    """One other queue."""

    name: str
    package: str
    durability: str  # as configured here
    drained: int = 1000  # prompts, of instant ones; fewer where it would take minutes

    def missing(self) -> str:
        """Say why it cannot be measured here; nothing when it can."""
        return "" if find_spec(self.package) else INSTALL

    def served(self, _folder: Path) -> AbstractContextManager[None]:
        """Run what it needs beside itself; most need nothing."""
        return nullcontext()

    def putter(self, folder: Path) -> Callable[[], object]:
        """Give what puts one prompt into its queue in `folder`."""
        raise NotImplementedError

    def work(self, folder: Path, handle: Callable[[], None], *, slots: int, url: str) -> None:
        """Take prompts out with its own worker and `handle` each, for ever. `url` is for one that calls by itself."""
        raise NotImplementedError
