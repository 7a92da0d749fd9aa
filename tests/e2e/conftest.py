"""One whole product for each test: real processes, a real database, a real browser; only the model server is simulated."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from simulator.client import Simulator
from stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def build(tmp_path: Path, simulator: Simulator) -> Iterator[Callable[..., Stack]]:
    """Build a stack with these variables; it is started by the test and stopped after it."""
    built: list[Stack] = []

    def build(**environment: str) -> Stack:
        stack = Stack(tmp_path / f"stack{len(built)}", simulator, environment)
        built.append(stack)
        return stack

    yield build
    for stack in built:
        stack.stop()


@pytest.fixture
def stack(build: Callable[..., Stack]) -> Stack:
    running = build()
    running.start()
    return running


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object]) -> dict[str, object]:
    return {
        **browser_type_launch_args,
        "executable_path": shutil.which("chromium"),
        "args": [
            "--no-sandbox",
            "--disable-quic",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
        ],
    }
