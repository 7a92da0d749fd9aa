"""The clients for the tests of compatibility are set up once for what is pinned, and again when it changes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from local import clients

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What they are set up from, in a folder of its own."""
    monkeypatch.setattr(clients, "VENV", tmp_path)
    monkeypatch.setattr(clients, "CLIENTS", tmp_path / "clients")
    (tmp_path / "clients/bin").mkdir(parents=True)
    pinned = tmp_path / "pinned.txt"
    pinned.write_text("ollama==1")
    return pinned


def step(folder: Path, code: str = "") -> list[str]:
    """A command that says in a file that it was run."""
    return [sys.executable, "-c", f"open({str(folder / 'ran')!r}, 'a').write('x'); {code}"]


def runs(folder: Path) -> int:
    ran = folder / "ran"
    return len(ran.read_text()) if ran.exists() else 0


def test_they_are_set_up_once(pinned: Path, tmp_path: Path) -> None:
    for _ in range(2):
        clients.set_up("python", [pinned], step(tmp_path))

    assert runs(tmp_path) == 1


def test_they_are_set_up_again_when_what_is_pinned_changes(pinned: Path, tmp_path: Path) -> None:
    clients.set_up("python", [pinned], step(tmp_path))
    pinned.write_text("ollama==2")

    clients.set_up("python", [pinned], step(tmp_path))

    assert runs(tmp_path) == 2


def test_what_cannot_be_had_is_named_and_tried_again(
    pinned: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        clients.set_up("npm", [pinned], step(tmp_path, "raise SystemExit(1)"), step(tmp_path))

    assert runs(tmp_path) == 2
    assert "Not set up: the clients of npm" in capfd.readouterr().out


def test_a_program_that_is_missing_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert not clients.has("no-such-program")

    assert "no-such-program" in capsys.readouterr().out
