"""The virtual environment: made once, for the folder and the Python that it is of, by one at a time, to its end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.processes import everything
from support.small_disk import mounted
from support.waiting import until

from local import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WITHIN = 60  # seconds

PIP = """#!/bin/sh
while [ -e hold ]; do sleep 0.1; done
[ ! -e fail ]
"""
"""What stands in for pip: it takes as long as somebody wants it to, and fails if somebody wants that."""

DRIVER = """
import sys
from local import environment

def create():
    (environment.VENV / "bin").mkdir(parents=True, exist_ok=True)
    if not (environment.VENV / "bin/python").exists():
        (environment.VENV / "bin/python").symlink_to(sys.executable)
    (environment.VENV / "bin/pip").write_text(open("pip").read())
    (environment.VENV / "bin/pip").chmod(0o755)
    environment.PLACE.write_text(str(environment.ROOT))
    with open("made.log", "a") as log:
        log.write("made ")

environment.create = create
environment.TICK = 0.3
sys.exit(environment.interruptible("run"))
"""
"""local/environment.py as make runs it, but for the minutes that Python and pip take."""


SIGNALLED_AT_ONCE = """
import os, signal, subprocess

class Popen(subprocess.Popen):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        os.kill(os.getpid(), signal.SIGINT)

subprocess.Popen = Popen
"""
"""A signal that comes before it is known what it has to end."""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An environment that is made of nothing; how often it was."""
    made: list[str] = []

    def create() -> None:
        made.append(str(environment.ROOT))
        (environment.VENV / "bin").mkdir(parents=True, exist_ok=True)
        python = environment.VENV / "bin/python"
        python.unlink(missing_ok=True)
        python.symlink_to(sys.executable)
        environment.PLACE.write_text(str(environment.ROOT), encoding="utf-8")

    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment, "PLACE", tmp_path / ".venv/place")
    monkeypatch.setattr(environment, "create", create)
    monkeypatch.setattr(environment, "pip", lambda *_, **__: None)
    monkeypatch.setattr(environment, "digest", lambda _: "as ever")
    return made


def test_it_is_made_once(made: list[str]) -> None:
    environment.main("run")
    environment.main("run")

    assert len(made) == 1


def test_it_is_made_anew_where_the_checkout_was_renamed_or_copied(
    made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.main("run")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(environment, "ROOT", tmp_path / "elsewhere")

    environment.main("run")

    assert len(made) == 2


def test_it_is_made_anew_where_it_was_not_made_to_its_end(made: list[str]) -> None:
    environment.main("run")
    environment.PLACE.unlink()

    environment.main("run")

    assert len(made) == 2


def test_it_is_made_anew_where_its_python_is_gone(made: list[str]) -> None:
    environment.main("run")
    python = environment.VENV / "bin/python"
    python.unlink()
    python.symlink_to("/usr/bin/python3.0")

    environment.main("run")

    assert len(made) == 2


@pytest.mark.parametrize("says", ["print((3, 12345))", "raise ImportError('pip')"], ids=["another version", "no pip"])
def test_it_is_made_anew_where_its_python_is_another_one(made: list[str], says: str) -> None:
    environment.main("run")
    python = environment.VENV / "bin/python"
    python.unlink()
    python.write_text(f"#!{sys.executable}\n{says}\n")
    python.chmod(0o755)

    environment.main("run")

    assert len(made) == 2


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as local/environment.py reads."""
    root = Path(environment.__file__).parent.parent
    for name in (
        "local/environment.py",
        *(f"requirements/{name}.txt" for name in environment.REQUIREMENTS["run"] + environment.OPTIONAL["run"]),
        *(f"{package}/pyproject.toml" for package in environment.PACKAGES),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, tmp_path / name)
    (tmp_path / "pip").write_text(PIP)
    return tmp_path


@pytest.fixture
def start(checkout: Path) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", DRIVER],
                cwd=checkout,
                env=os.environ | {"PYTHONPATH": str(checkout)},
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )
        return started[-1]

    yield start
    (checkout / "hold").unlink(missing_ok=True)
    for each in started:
        each.terminate()
        each.communicate()


def until_it_says(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout
    for line in process.stdout:
        if words in line:
            return
    pytest.fail(f"it ended without {words!r}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_leaves_one_line_and_nothing_half_made(
    start: Callable[[], subprocess.Popen[str]], checkout: Path, number: signal.Signals
) -> None:
    (checkout / "hold").touch()
    interrupted = start()
    until_it_says(interrupted, "pip install")
    pips = until(lambda: [each for each in everything() if f"{checkout}/.venv/bin/pip" in each.arguments], "pip runs")

    os.killpg(interrupted.pid, number)

    said, _ = interrupted.communicate(timeout=WITHIN)
    assert interrupted.returncode == 128 + number
    assert said.endswith("\nInterrupted. What is not finished in .venv is made anew the next time.\n")
    assert "Traceback" not in said
    assert {each.pid for each in pips} & {each.pid for each in everything()} == set()
    (checkout / "hold").unlink()
    assert start().wait(WITHIN) == 0
    assert (checkout / "made.log").read_text() == "made made "


def test_an_interruption_that_comes_while_a_step_begins_ends_the_step_too(
    start: Callable[[], subprocess.Popen[str]], checkout: Path
) -> None:
    (checkout / "hold").touch()
    (checkout / "sitecustomize.py").write_text(SIGNALLED_AT_ONCE)

    interrupted = start()

    interrupted.communicate(timeout=WITHIN)
    assert interrupted.returncode == 128 + signal.SIGINT
    assert [each for each in everything() if f"{checkout}/.venv/bin/pip" in each.arguments] == []


def test_of_two_at_once_the_second_waits_and_says_so(
    start: Callable[[], subprocess.Popen[str]], checkout: Path
) -> None:
    (checkout / "hold").touch()
    first = start()
    until_it_says(first, "pip install")
    second = start()
    until_it_says(second, "Another make is setting up .venv; waiting for it …")

    (checkout / "hold").unlink()

    assert (first.wait(WITHIN), second.wait(WITHIN)) == (0, 0)
    assert (checkout / "made.log").read_text() == "made "


def test_without_a_terminal_a_long_step_says_that_it_goes_on(
    start: Callable[[], subprocess.Popen[str]], checkout: Path
) -> None:
    (checkout / "hold").touch()

    process = start()

    until_it_says(process, "  … 1 seconds so far")


def test_what_pip_could_not_do_leaves_the_environment_as_it_was(
    start: Callable[[], subprocess.Popen[str]], checkout: Path
) -> None:
    assert start().wait(WITHIN) == 0
    (checkout / "requirements/worker.txt").write_text("another==1")
    (checkout / "fail").touch()
    failed = start()

    said, _ = failed.communicate(timeout=WITHIN)

    assert failed.returncode == 1
    assert "It needs the network, this once" in said
    (checkout / "fail").unlink()
    assert start().wait(WITHIN) == 0
    assert (checkout / "made.log").read_text() == "made "


def test_a_folder_that_is_read_only_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mounted(tmp_path / "disk") as disk:
        disk.remount("ro")
        monkeypatch.setattr(environment, "VENV", disk.path / ".venv")

        with pytest.raises(SystemExit, match=r"\.venv cannot be written \(Read-only file system\)"):
            environment.create()


def test_a_disk_that_is_full_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mounted(tmp_path / "disk") as disk:
        disk.fill()
        monkeypatch.setattr(environment, "ROOT", disk.path)
        monkeypatch.setattr(environment, "VENV", disk.path / ".venv")

        with pytest.raises(SystemExit, match=r"The disk of .* is full \(0 MB are free\)"):
            environment.create()


def test_a_python_without_venv_is_told_by_the_package_that_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setitem(sys.modules, "ensurepip", None)

    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        environment.create()

    assert not (tmp_path / ".venv").exists()


def test_a_program_that_debian_keeps_beside_the_path_is_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(environment, "SYSTEM", {"initdb": "the queue in PostgreSQL"})
    monkeypatch.setattr(environment, "BESIDE_PATH", [f"{tmp_path}/postgresql/*/bin"])
    environment.install_system_packages()
    told = capsys.readouterr().out
    (tmp_path / "postgresql/17/bin").mkdir(parents=True)
    (tmp_path / "postgresql/17/bin/initdb").touch(0o755)

    environment.install_system_packages()

    assert "apt-get install -y --no-install-recommends postgresql\n" in told
    assert capsys.readouterr().out == ""
