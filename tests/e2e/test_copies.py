"""README's "Scheduled backup" and "Another machine", run as they stand there: on processes, and in containers."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from support import ROOT
from support.composed import PACE, Composed
from support.machine import BUILT_WITHIN
from support.stack import PROGRAMS, Stack
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from simulator.client import Simulator

README = (ROOT / "README.md").read_text()
STANDS_IN = """#!/bin/sh
# In the place of docker: what would run inside the worker's container runs here.
while [ "$1" != python ]; do shift; done
exec "$@"
"""


def blocks(heading: str) -> list[list[str]]:
    """Give the commands below a heading of the README, block by block."""
    [section] = re.findall(rf"^### {heading}\n(.*?)(?=^##)", README, re.MULTILINE | re.DOTALL)
    return [block.splitlines() for block in re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)]


class OnProcesses:
    """A machine without Docker, whose `docker` runs the command line on the queue of a stack."""

    def __init__(self, stack: Stack) -> None:
        self.front = stack
        self._stack = stack
        programs = stack.folder / "bin"
        programs.mkdir()
        (programs / "docker").write_text(STANDS_IN)
        (programs / "docker").chmod(0o755)
        self._path = os.pathsep.join(map(str, (programs, PROGRAMS, os.environ["PATH"])))

    def start(self) -> None:
        self._stack.start()

    def run(self, command: str, folder: Path) -> None:
        """Do what a line of the README does."""
        match command.split()[2]:
            case "build":
                pass
            case "stop":
                self._stack.stop()
            case "start" | "up":
                self._stack.start()
            case _:
                run(command, folder, PATH=self._path, DATABASE_URL=f"sqlite:///{self._stack.folder}/data/queue.db")


class InContainers:
    """A machine with Docker: the compose file as it is, under a name and on ports of its own."""

    def __init__(self, product: Composed) -> None:
        self.front = product.proxy
        self._product = product

    def start(self) -> None:
        self._product.build()
        self._product.start()

    def run(self, command: str, folder: Path) -> None:
        """Do what a line of the README does."""
        files = f"{ROOT / 'compose.yaml'}{os.pathsep}{PACE}"
        run(command, folder, COMPOSE_FILE=files, COMPOSE_PROJECT_NAME=self._product.name, **self._product.ports)


Machine = OnProcesses | InContainers


def run(command: str, folder: Path, **variables: str) -> None:
    """Type it."""
    environment = {**os.environ, **variables, "PYTHONPATH": str(ROOT / "services/promptqueue/src")}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout.decode()}{done.stderr.decode()}"


@pytest.fixture(params=["on_processes", pytest.param("in_containers", marks=pytest.mark.timeout(BUILT_WITHIN))])
def machine(request: pytest.FixtureRequest, simulator: Simulator, tmp_path: Path) -> Iterator[Callable[[], Machine]]:
    """Make a machine; there may be several."""
    stacks: list[Stack] = []
    products: list[Composed] = []

    def in_containers() -> Machine:
        products.append(Composed())
        return InContainers(products[-1])

    def on_processes() -> Machine:
        stacks.append(Stack(tmp_path / f"machine{len(stacks)}", simulator))
        return OnProcesses(stacks[-1])

    if request.param == "in_containers":
        request.getfixturevalue("engine")
    yield in_containers if request.param == "in_containers" else on_processes
    for stack in stacks:
        stack.stop()
    for product in products:
        product.leave_nothing()


def test_the_nightly_copy_is_made_in_use_and_brought_back(machine: Callable[[], Machine], tmp_path: Path) -> None:
    here = machine()
    backup, restore = blocks("Scheduled backup")
    here.start()
    before = here.front.submit("Before the copy.", options={"num_predict": 5})
    text = here.front.answer(before)

    for command in backup:
        here.run(command, tmp_path)
    after = here.front.submit("After the copy.", options={"num_predict": 5})
    here.front.answer(after)
    for command in restore:
        here.run(command, tmp_path)

    until(lambda: here.front.get("/healthz").status == 200, "it answers again", 120)
    assert [each.name for each in tmp_path.glob("queue.backup*")] == ["queue.backup"]
    assert here.front.answer(before) == text
    assert here.front.get(f"/api/v1/prompt/{after}/status").status == 404


def test_on_another_machine_every_prompt_is_there_under_its_id(machine: Callable[[], Machine], tmp_path: Path) -> None:
    old, new = machine(), machine()
    leave, arrive = blocks("Another machine")
    old.start()
    answered = old.front.submit("Before the move.", options={"num_predict": 5})
    text = old.front.answer(answered)

    for command in leave:
        old.run(command, tmp_path)
    for command in arrive:
        new.run(command, tmp_path)

    until(lambda: new.front.get("/healthz").status == 200, "it answers", 120)
    assert new.front.answer(answered) == text
    assert new.front.answer(new.front.submit("After the move.", options={"num_predict": 5}))


def test_the_line_of_the_crontab_is_the_command_above_it() -> None:
    [[command], _] = blocks("Scheduled backup")
    [line] = re.findall(r"^\d+ \d+ \* \* \* (.*)$", README, re.MULTILINE)

    assert line == f"cd /srv/ollama-proxy && {command}"
    assert "%" not in line  # which cron takes for the end of a line


def test_a_copy_that_could_not_be_made_leaves_the_last_one(simulator: Simulator, tmp_path: Path) -> None:
    here = OnProcesses(Stack(tmp_path / "machine", simulator))  # with no queue yet
    (tmp_path / "queue.backup").write_text("the last one")
    [[command], _] = blocks("Scheduled backup")

    with pytest.raises(AssertionError, match="There is no queue at"):
        here.run(command, tmp_path)

    assert (tmp_path / "queue.backup").read_text() == "the last one"
