"""The environment of all tests, and how several processes share them (`make test`; plain pytest has one)."""

from __future__ import annotations

import os
from typing import Any

import pytest

AT_MOST = 8

# Whatever the tests start asks addresses of this machine, which no proxy for the outside world knows. httpx, on which
# the makers' own clients are built, cannot read [::1] in such a list and fails when it is imported.
for name in ("no_proxy", "NO_PROXY"):
    os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1", "localhost", "::1"]))

# Of `make test`: a make that a test starts would take its flags and say which folder it enters.
for name in [each for each in os.environ if each.startswith("MAKE") or each == "MFLAGS"]:
    del os.environ[name]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Let there be more than there are processors: tests wait more than they compute."""
    return min(AT_MOST, 2 * (os.cpu_count() or 1))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep those in one process that must not run side by side."""
    from support.side_by_side import SideBySide  # noqa: PLC0415 (only where there is xdist)

    config.option.loadscopereorder = False  # they are sorted below
    return SideBySide(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slowest."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        from support.side_by_side import rank  # noqa: PLC0415

        items.sort(key=lambda item: rank(item.nodeid))
