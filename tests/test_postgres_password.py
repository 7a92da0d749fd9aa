"""`make postgres-password`: made once, for whoever runs the containers alone, and named where Compose looks."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from support import ROOT
from support.machine import needed

if TYPE_CHECKING:
    from pathlib import Path

NAMED = "POSTGRES_PASSWORD_FILE=./secrets/postgres_password\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as make reads."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    return tmp_path


def make(checkout: Path) -> str:
    command = [needed("make"), "--silent", "postgres-password"]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout


def test_it_is_long_and_nobody_else_of_the_machine_gets_at_it(checkout: Path) -> None:
    told = make(checkout)

    password = checkout / "secrets/postgres_password"
    assert re.fullmatch(r"[0-9a-f]{48}", password.read_text())
    assert password.read_text() not in told
    # Compose mounts the file as it is, and the containers' users are others than whoever made it.
    assert (password.parent.stat().st_mode & 0o777, password.stat().st_mode & 0o777) == (0o700, 0o444)


def test_compose_is_told_where_it_lies(checkout: Path) -> None:
    (checkout / ".env").write_text("PROXY_PORT=8001\nPOSTGRES_PASSWORD_FILE=")

    make(checkout)

    assert (checkout / ".env").read_text() == f"PROXY_PORT=8001\nPOSTGRES_PASSWORD_FILE=\n{NAMED}"


def test_one_that_is_there_stays(checkout: Path) -> None:
    make(checkout)
    password = (checkout / "secrets/postgres_password").read_text()

    told = make(checkout)

    assert (checkout / "secrets/postgres_password").read_text() == password
    assert told == "secrets/postgres_password is there already, and stays.\n"
    assert (checkout / ".env").read_text().count(NAMED) == 1
