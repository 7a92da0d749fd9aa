"""Which tests may run side by side, where several processes share them."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

FIRST = ("tests/e2e", "tests/chaos", "services/worker", "services/frontend", "tests", "services/proxy")
"""The slowest, so that none of them is begun when all others are done."""
APART = (
    "services/worker/tests/",
    "test_state_machine.py",
    "test_copies.py",
    "test_readme.py::test_an_upgrade",
    "test_readme.py::test_docker_compose_up",
    "test_readme.py::test_make_up",
)
"""Tests that take long and have nothing in common with the others of their file."""
IN_THE_STACK = ("test_containers.py", "test_images.py", "test_upgrade.py", "in_containers")
"""Tests of the one stack of containers, which some of them change."""
THE_STACK = "the stack of containers"


def group(test: str) -> str:
    """Name those that must run in one process: all tests of a file, and all of the one stack of containers."""
    if any(name in test for name in APART):
        return test
    file = test.partition("::")[0]
    is_in_the_stack = file.startswith("tests/e2e") and any(name in test for name in IN_THE_STACK)
    return THE_STACK if is_in_the_stack else file


def rank(test: str) -> int:
    """When to begin it, earlier than those of a higher rank."""
    if group(test) == THE_STACK:
        return -1
    return next((rank for rank, folder in enumerate(FIRST) if test.startswith(folder)), len(FIRST))


class SideBySide(LoadScopeScheduling):
    """Gives each process one group after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
