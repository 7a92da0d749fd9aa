"""The containers: their files as they lie here, nginx on this machine, and the whole stack where an engine answers."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # pytest imports without it, and the tests share a few modules

from composed import Composed, compose_is_missing, engine_is_missing
from front_nginx import FrontNginx
from scripted_upstream import ScriptedUpstream

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def compose_client() -> None:
    """A Compose client, with or without an engine."""
    if reason := compose_is_missing():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def engine(compose_client: None) -> None:
    """A Docker Engine that answers."""
    if reason := engine_is_missing():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def stack(engine: None) -> Iterator[Composed]:
    """The unmodified compose.yaml, built and started with no settings but its name and ports; removed afterwards."""
    stack = Composed()
    try:
        stack.build()
        stack.up()
        yield stack
    finally:
        stack.remove()


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    """A server in the proxy's place that answers as it is told."""
    with ScriptedUpstream() as running:
        yield running


@pytest.fixture(scope="session")
def nginx_program() -> str:
    """This machine's nginx."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if program is None:
        unable("no nginx; on Debian: apt-get install nginx-light")
    return program


@pytest.fixture
def nginx(nginx_program: str, tmp_path: Path, upstream: ScriptedUpstream) -> Iterator[FrontNginx]:
    """The frontend's nginx.conf under this machine's nginx, in front of `upstream`."""
    with FrontNginx(nginx_program, tmp_path, upstream.address) as running:
        yield running


def unable(reason: str) -> NoReturn:
    """Skip, or fail where nothing may be skipped."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
