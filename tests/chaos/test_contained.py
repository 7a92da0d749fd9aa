"""Containers are struck as a campaign means it, and come back; `make chaos COMPOSE=1` strikes the product's own."""

from __future__ import annotations

import json
import signal
import uuid
from typing import TYPE_CHECKING

import pytest
from support import ROOT
from support.composed import PACE, compose, compose_is_missing, docker, engine_is_missing
from support.machine import BUILT_WITHIN, unable
from support.waiting import until

from chaos.contained import OVERRIDE
from chaos.container import Container, Inside, ProcessInside
from chaos.keeper import Keeper

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

pytestmark = pytest.mark.timeout(BUILT_WITHIN)

TWO_PROCESSES = "sleep 1001; sleep 1002"


@pytest.fixture
def container() -> Iterator[Container]:
    """A container with the restart policy and the init of the product's."""
    if reason := compose_is_missing() or engine_is_missing():
        unable(reason)
    started = Container(f"ollama-proxy-test-{uuid.uuid4().hex[:8]}")
    docker(
        *("run", "--detach", "--init", "--restart", "unless-stopped", "--user", "10001", "--name", started.name),
        *("python:3.13-slim", "bash", "-c", TWO_PROCESSES),
    )
    yield started
    docker("rm", "--force", started.name)


@pytest.fixture
def keeper(container: Container) -> Iterator[Keeper]:
    running = Keeper([container])
    running.start()
    yield running
    running.end()


def life(container: Container) -> str:
    return docker("inspect", "--format", "{{.State.StartedAt}}", container.name)


def until_another_life(container: Container, before: str) -> None:
    until(lambda: container.is_running and life(container) != before, "it was started again")


def commands(container: Container) -> list[str]:
    return docker("top", container.name, "-eo", "pid,args").splitlines()


def config(override: Path) -> Any:
    files = [word for file in (ROOT / "compose.yaml", override) for word in ("--file", str(file))]
    return json.loads(compose(*files, "config", "--format", "json", COMPOSE_PROJECT_NAME="campaign"))


def test_a_campaign_changes_nothing_of_compose_yaml_but_who_answers_as_ollama() -> None:
    if reason := compose_is_missing():
        unable(reason)
    struck, shipped = config(OVERRIDE), config(PACE)
    simulator, ollama = struck["services"].pop("ollama"), shipped["services"].pop("ollama")

    assert struck == shipped
    assert {name for name in simulator | ollama if simulator.get(name) != ollama.get(name)} == {
        "build",
        "command",
        "environment",  # the stand-in's pace
    }


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_container_that_was_killed_is_started_again_by_the_keeper(
    container: Container, keeper: Keeper, number: signal.Signals
) -> None:
    before = life(container)

    container.signal(number)

    until_another_life(container, before)
    until(lambda: keeper.restarts == "1 containers started again, 0 of them by Docker itself", "it is counted")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_container_whose_processes_are_killed_is_started_again_by_docker_itself(
    container: Container, number: signal.Signals
) -> None:
    before = life(container)

    Inside(container).signal(number)

    until_another_life(container, before)


def test_a_stop_stops_all_of_a_container_until_it_goes_on(container: Container) -> None:
    container.signal(signal.SIGSTOP)
    assert (container.status, container.is_alive, container.is_running) == ("paused", True, False)

    container.signal(signal.SIGCONT)
    assert container.is_running


def test_what_stood_still_before_all_was_frozen_does_so_afterwards(container: Container, keeper: Keeper) -> None:
    with keeper.frozen():
        assert container.status == "paused"
    assert container.is_running

    container.signal(signal.SIGSTOP)
    with keeper.frozen():
        pass
    assert container.status == "paused"


def test_one_process_of_a_container_is_struck_alone(container: Container) -> None:
    until(lambda: any(line.endswith("sleep 1001") for line in commands(container)), "the first one runs")
    before = life(container)

    ProcessInside(container, "sleep 1001").signal(signal.SIGKILL)

    until(lambda: any(line.endswith("sleep 1002") for line in commands(container)), "the second one runs")
    assert life(container) == before


def test_nobody_is_hit_where_there_is_no_container() -> None:
    away = Container(f"ollama-proxy-test-{uuid.uuid4().hex[:8]}")

    away.signal(signal.SIGKILL)

    assert (away.status, away.is_alive) == ("", False)
