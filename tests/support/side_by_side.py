"""Which tests may run side by side, where several processes share them."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

FIRST = (
    "tests/compatibility",
    "tests/e2e",
    "tests/chaos",
    "services/worker",
    "services/frontend",
    "tests",
    "services/proxy",
)
"""The slowest, so that none of them is begun when all others are done."""
APART = (
    "services/worker/tests/",
    "tests/e2e/",
    "tests/agents/",
    "tests/chaos/test_campaign.py",
    "services/promptqueue/tests/contract/test_state_machine.py",
)
"""Tests that take long, and have little in common with the others of their file."""
TOGETHER = (
    "test_engines.py",
    "test_hosts.py",
    "test_keyboard.py",
    "test_rude_clients.py",
    "test_readme.py::test_the_demo",
    "test_readme.py::test_a_terminal",
    "test_readme.py::test_make_run",
)
"""Those that share what takes long to make."""
THE_CLIENTS = "tests/compatibility/"
"""Tests that share the programs of all clients, which take long to start and much memory."""
THE_STACK = "the stack of containers"
IN_THE_STACK = ("test_containers.py", "test_images.py", "test_upgrade.py", "in_containers")
"""Tests of the one stack of containers, which some of them change; those of copies have stacks of their own."""


def group(test: str) -> str:
    """Name those that must run in one process: all tests of a file, and all of the one stack of containers."""
    file = test.partition("::")[0]
    if file.startswith("tests/e2e/") and "test_copies" not in file and any(name in test for name in IN_THE_STACK):
        return THE_STACK
    if file.startswith(THE_CLIENTS):
        return THE_CLIENTS
    return test if test.startswith(APART) and not any(name in test for name in TOGETHER) else file


def rank(test: str) -> int:
    """When to begin it, earlier than those of a higher rank."""
    if group(test) == THE_STACK:
        return -1
    return next((rank for rank, folder in enumerate(FIRST) if test.startswith(folder)), len(FIRST))


class SideBySide(LoadScopeScheduling):
    """Gives each process one group after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
