"""Two checkouts on one machine: Compose knows a stack by its name alone."""

from __future__ import annotations

import os
import subprocess
import uuid
from typing import TYPE_CHECKING

import pytest
from support import ROOT
from support.composed import docker
from support.machine import needed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def running(engine: None) -> Iterator[Callable[[Path], str]]:
    """Run a container as Compose marks those of a checkout in this folder; the name of its stack."""
    name = f"ollama-proxy-test-{uuid.uuid4().hex[:8]}"
    started: list[str] = []

    def run(folder: Path) -> str:
        labels = {"project": name, "project.working_dir": str(folder)}
        marks = [word for key, value in labels.items() for word in ("--label", f"com.docker.compose.{key}={value}")]
        started.append(docker("run", "--detach", "--rm", *marks, "python:3.13-slim", "sleep", "600").strip())
        return name

    yield run
    docker("rm", "--force", *started)


def make(*goals: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [needed("make"), *goals],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_make_up_does_not_replace_what_another_checkout_runs(running: Callable[[Path], str], tmp_path: Path) -> None:
    name = running(tmp_path)

    refused = make("up", COMPOSE_PROJECT_NAME=name)

    assert refused.returncode != 0
    assert refused.stdout.startswith(f"{tmp_path} runs under the name {name} already and would be replaced. ")
    assert "Building" not in refused.stdout


@pytest.mark.parametrize("where", ["here", "here by another path", "where nothing is any more"])
def test_nor_does_it_keep_a_checkout_from_its_own(where: str, running: Callable[[Path], str], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(ROOT)
    folders = {"here": ROOT, "here by another path": tmp_path / "link", "where nothing is any more": tmp_path / "gone"}
    name = running(folders[where])

    asked = make("alone", COMPOSE_PROJECT_NAME=name)

    assert (asked.returncode, asked.stdout) == (0, "")
