"""The Chromium that is installed, and how it is started."""

from __future__ import annotations

import shutil

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

ARGUMENTS = [
    "--no-sandbox",  # a container's root may not open it; what runs here is our own page
    "--no-first-run",
    *(f"--disable-{name}" for name in ("quic", "background-networking", "component-update", "sync")),
]


def program() -> str | None:
    """Where it is; None when there is none."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)
