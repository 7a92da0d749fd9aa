"""One whole product for each test: real processes, a real database, a real browser; only the model server is simulated."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest imports without it, and the tests share a few modules

from simulator.client import Simulator
from stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "ollama(**settings): how the simulator in Ollama's place is set")


@pytest.fixture
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """The simulator in Ollama's place; `@pytest.mark.ollama(pace=0.1)` sets it."""
    marker = request.node.get_closest_marker("ollama")
    with Simulator(**(marker.kwargs if marker else {})) as running:
        yield running


@pytest.fixture
def build(tmp_path: Path, simulator: Simulator) -> Iterator[Callable[..., Stack]]:
    """Make a stack with these variables; the test starts what it wants of it, and all of it is ended afterwards."""
    built: list[Stack] = []

    def build(**variables: str) -> Stack:
        built.append(Stack(tmp_path / f"stack{len(built)}", simulator, variables))
        return built[-1]

    yield build
    for stack in built:
        stack.stop()


@pytest.fixture
def stack(build: Callable[..., Stack]) -> Stack:
    """A stack with everything as it comes, started."""
    running = build()
    running.start()
    return running


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        unable(f"no browser: none of {', '.join(BROWSERS)} is installed")
    quiet = ("quic", "background-networking", "component-update", "sync")
    # A container's root may not open Chromium's sandbox; what runs here is our own page.
    arguments = ["--no-sandbox", "--no-first-run", *(f"--disable-{name}" for name in quiet)]
    return {**browser_type_launch_args, "executable_path": path, "args": arguments}


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """A wall clock of the product's own."""
    library = next(filter(Path.exists, (Path(folder) / FAKETIME for folder in LIBRARIES)), None)
    if library is None:
        unable(f"no {FAKETIME} in {', '.join(LIBRARIES)}: on Debian it comes with apt-get install faketime")
    return Clock(tmp_path / "clock", library)


def unable(reason: str) -> None:
    """Skip, or fail where nothing may be skipped."""
    if os.environ.get("CI"):  # noqa: TID251 (whether a skip is allowed)
        pytest.fail(reason)
    pytest.skip(reason)
