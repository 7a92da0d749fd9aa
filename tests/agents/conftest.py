"""What an agent's test needs: the agent, and a product that holds conversations as long as agents have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from agents.agent import AGENTS, employed, why_not
from simulator.client import Simulator
from support.stack import Stack
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agents.agent import Agent
    from support.command import Command

CONTEXT = 65536
"""Tokens: an agent's first words alone are some 20,000."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "ollama(**settings): how the simulator in Ollama's place is set")
    config.addinivalue_line("markers", "proxy(**variables): the variables of the product's processes")


@pytest.fixture(params=AGENTS, ids=lambda agent: agent.program)
def agent(request: pytest.FixtureRequest) -> Agent:
    """Each that is installed; none is needed where nobody asked for them."""
    found: Agent = request.param
    if reason := why_not(found):
        pytest.skip(reason)
    return found


@pytest.fixture
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    marker = request.node.get_closest_marker("ollama")
    with Simulator(**{"context_length": CONTEXT, **(marker.kwargs if marker else {})}) as running:
        yield running


@pytest.fixture
def stack(request: pytest.FixtureRequest, agent: Agent, simulator: Simulator, tmp_path: Path) -> Iterator[Stack]:
    """Proxy and worker; the proxy's log has every request."""
    marker = request.node.get_closest_marker("proxy")
    running = Stack(tmp_path / "stack", simulator, {"LOG_LEVEL": "debug", **(marker.kwargs if marker else {})})
    try:
        running.start()
        until(lambda: running.queue()["model"]["state"] == "ready", "the model is ready")
        yield running
    finally:
        running.stop()


@pytest.fixture
def begin(agent: Agent, stack: Stack, tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """Set the agent to a task."""
    with employed(agent, tmp_path, stack.port) as begin:
        yield begin


@pytest.fixture
def note(tmp_path: Path) -> Path:
    """The file that is to be corrected."""
    note = tmp_path / "note.txt"
    note.write_text("The sky is green.\n")
    return note
