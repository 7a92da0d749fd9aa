"""What this machine has, and what becomes of a test that needs more."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

from support.postgres import programs

BUILT_WITHIN = 1800  # seconds; the first build on a machine fetches every base image
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",  # a container's root may not open it; what runs here is our own page
    "--no-first-run",
    *(f"--disable-{name}" for name in ("quic", "background-networking", "component-update", "sync")),
]


def unable(reason: str) -> NoReturn:
    """Skip, or fail where nothing may be skipped."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def program(*names: str) -> str | None:
    """Find the first of these programs that is installed; None when there is none."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    return next(filter(None, (shutil.which(name, path=path) for name in names)), None)


def needed(*names: str, package: str | None = None) -> str:
    """Find the first of these programs, which a test cannot do without."""
    return program(*names) or unable(f"no {names[0]}; on Debian: apt-get install {package or names[0]}")


def nginx() -> str:
    """Find this machine's nginx."""
    return needed("nginx", package="nginx-light")


def need_postgres() -> None:
    """Go on only where a PostgreSQL can be started."""
    if programs() is None:
        unable("no PostgreSQL; on Debian: apt-get install postgresql")


def chromium() -> dict[str, object]:
    """Give what Playwright needs to know to start the Chromium that is installed."""
    return {"executable_path": needed(*CHROMIUMS), "args": CHROMIUM_ARGUMENTS}
