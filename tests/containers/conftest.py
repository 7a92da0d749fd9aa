"""The files that make containers of the product: compose.yaml asked, nginx.conf under a real nginx, settings read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from containers.scripted_upstream import ScriptedUpstream
from support import machine
from support.composed import compose_is_missing
from support.front_nginx import FrontNginx
from support.machine import unable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def compose_client() -> None:
    """A Compose client, with or without an engine."""
    if reason := compose_is_missing():
        unable(reason)


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    """A server in the proxy's place that answers as it is told."""
    with ScriptedUpstream() as running:
        yield running


@pytest.fixture(scope="session")
def nginx_program() -> str:
    """This machine's nginx."""
    return machine.nginx()


@pytest.fixture
def nginx(nginx_program: str, tmp_path: Path, upstream: ScriptedUpstream) -> Iterator[FrontNginx]:
    """The frontend's nginx.conf under this machine's nginx, in front of `upstream`."""
    with FrontNginx(nginx_program, tmp_path, upstream.address) as running:
        yield running
