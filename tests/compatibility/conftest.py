"""The clients, and what they are tried on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import machine

from compatibility.runtime import Runtimes
from compatibility.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def runtimes() -> Iterator[Runtimes]:
    """The programs that clients run in, each started at its first use."""
    running = Runtimes()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Trial]]:
    """Give a product with these settings, one for all tests of the file that ask for the same."""
    built: dict[str, Trial] = {}

    def build(*, nginx: bool = False, **variables: str) -> Trial:
        key = f"{nginx} {sorted(variables.items())}"
        if key not in built:
            program = machine.nginx() if nginx else None
            built[key] = Trial(tmp_path_factory.mktemp("trial"), program, **variables).__enter__()
        return built[key]

    yield build
    for trial in built.values():
        trial.__exit__()
