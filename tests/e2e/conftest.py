"""The whole product: real processes, a real database, a real browser; only the model server is simulated."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from simulator.client import Simulator
from support import composed, machine
from support.composed import Composed
from support.machine import BUILT_WITHIN, need_postgres, unable
from support.on_processes import OnProcesses
from support.postgres import PostgresServer, postgres_server
from support.stack import Stack
from support.waiting import until
from support.wall_clock import MISSING, clock_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.product import Product
    from support.wall_clock import WallClock


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "ollama(**settings): how the simulator in Ollama's place is set")
    config.addinivalue_line("markers", "both_engines: its promise depends on what keeps the queue, so it runs on each")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if any(metafunc.definition.iter_markers("both_engines")):
        metafunc.parametrize("storage", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(
    scope="session", params=["on_processes", pytest.param("in_containers", marks=pytest.mark.timeout(BUILT_WITHIN))]
)
def product(request: pytest.FixtureRequest) -> Product:
    """The whole product behind its front door, once on plain processes and once in containers; it is left running."""
    running: Product = request.getfixturevalue(request.param)
    return running


@pytest.fixture(scope="session")
def on_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnProcesses]:
    """The product on plain processes."""
    product = OnProcesses(tmp_path_factory.mktemp("product"), machine.nginx())
    try:
        product.start()
        yield product
    finally:
        product.leave_nothing()


@pytest.fixture(scope="session")
def in_containers(engine: None) -> Iterator[Composed]:
    """The unmodified compose.yaml, built and started with no settings but names, ports and pace; removed afterwards."""
    product = Composed()
    try:
        product.build()
        product.start()
        yield product
    finally:
        product.leave_nothing()


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker Engine that answers."""
    if reason := composed.compose_is_missing() or composed.engine_is_missing():
        unable(reason)


@pytest.fixture
def storage(request: pytest.FixtureRequest) -> str:
    """What keeps the queue of a test's stacks; `both_engines` has a test run with each."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL for all tests that do nothing to it. Each stack has a database of its own."""
    need_postgres()
    with postgres_server(durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, Stack]]:
    """One simulator and one stack for all tests that kill nothing and set no variable: a start takes seconds."""
    yield from _shared(tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="session")
def shared_on_postgres(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> Iterator[tuple[Simulator, Stack]]:
    """As many again, their queue in PostgreSQL."""
    yield from _shared(tmp_path_factory.mktemp("shared"), DATABASE_URL=_database(postgres))


def _shared(folder: Path, **variables: str) -> Iterator[tuple[Simulator, Stack]]:
    with Simulator() as simulator:
        stack = Stack(folder, simulator, variables)
        try:
            stack.start()
            until(lambda: stack.queue()["model"]["state"] == "ready", "the model is ready")
            yield simulator, stack
        finally:
            stack.stop()


def _database(server: PostgresServer) -> str:
    """Make a new one; its URL."""
    name = f"queue_{uuid.uuid4().hex}"
    server.make_database(name)
    return str(server.url(name))


@pytest.fixture
def running(request: pytest.FixtureRequest, storage: str) -> tuple[Simulator, Stack]:
    """Those that this test shares with others."""
    name = "shared" if storage == "sqlite" else "shared_on_postgres"
    found: tuple[Simulator, Stack] = request.getfixturevalue(name)
    return found


@pytest.fixture
def simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """The simulator in Ollama's place, as new; `@pytest.mark.ollama(pace=0.1)` sets it."""
    marker = request.node.get_closest_marker("ollama")
    settings = marker.kwargs if marker else {}
    if "stack" in request.fixturenames:
        simulator, _ = request.getfixturevalue("running")
        simulator.reset()
        simulator.set(**settings)
        yield simulator
    else:
        with Simulator(**settings) as simulator:
            yield simulator


@pytest.fixture
def stack(running: tuple[Simulator, Stack], simulator: Simulator) -> Iterator[Stack]:
    """The shared stack, with nothing to do."""
    _, stack = running
    yield stack
    simulator.reset()  # what is still asked is now answered at once
    until(lambda: stack.queue()["queued"] + stack.queue()["processing"] == 0, "nothing is left to do")


@pytest.fixture
def build(
    request: pytest.FixtureRequest, tmp_path: Path, simulator: Simulator, storage: str
) -> Iterator[Callable[..., Stack]]:
    """Make a stack with these variables; the test starts what it wants of it, and all of it is ended afterwards."""
    built: list[Stack] = []

    def build(**variables: str) -> Stack:
        if storage != "sqlite":
            variables["DATABASE_URL"] = _database(request.getfixturevalue("postgres"))
        built.append(Stack(tmp_path / f"stack{len(built)}", simulator, variables))
        return built[-1]

    yield build
    for stack in built:
        stack.stop()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return browser_type_launch_args | machine.chromium()


@pytest.fixture
def wall_clock(tmp_path: Path) -> WallClock:
    """A wall clock that jumps for the processes that are given its variables."""
    return clock_at(tmp_path / "clock") or unable(MISSING)
