"""Which tests may run side by side, where several processes share them."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

FIRST = ("tests/e2e", "tests/chaos", "services/worker", "services/frontend", "tests", "services/proxy")
"""The slowest, so that none of them is begun when all others are done."""
IN_THE_STACK = ("test_containers.py", "test_images.py", "test_upgrade.py", "in_containers")
"""What names a test of the one stack of containers."""
APART = ("test_hostile.py", "test_model.py", "test_repertoire.py", "test_state_machine.py")
"""Files that take long and whose tests have nothing in common."""


def group(test: str) -> str:
    """Name those that must run in one process: all tests of a file, and all that change the one stack of containers."""
    file = test.partition("::")[0]
    if file.startswith("tests/e2e") and any(name in test for name in IN_THE_STACK):
        return "the stack of containers"
    return test if file.endswith(APART) else file


def rank(test: str) -> int:
    """When to begin it, earlier than those of a higher rank."""
    if group(test) == "the stack of containers":
        return -1
    return next((rank for rank, folder in enumerate(FIRST) if test.startswith(folder)), len(FIRST))


class SideBySide(LoadScopeScheduling):
    """Gives each process one group after the other."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
