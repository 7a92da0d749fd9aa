"""The virtual environment belongs to the folder that it was made for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local import environment

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An environment that is made of nothing; how often it was."""
    made: list[str] = []

    def create() -> None:
        made.append(str(environment.ROOT))
        environment.VENV.mkdir(exist_ok=True)
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
    monkeypatch.setattr(environment, "ROOT", tmp_path / "elsewhere")

    environment.main("run")

    assert len(made) == 2


def test_it_is_made_anew_where_it_was_not_made_to_its_end(made: list[str]) -> None:
    environment.main("run")
    environment.PLACE.unlink()

    environment.main("run")

    assert len(made) == 2
