"""The memory backend, as the suite of every backend is handed it."""

from contextlib import contextmanager

from .storage import MemoryStorage


class MemoryBackend:
    outlives_a_reboot = False
    knows_its_disk = True
    writes_in_turns = True

    @contextmanager
    def fresh(self, clock):
        yield MemoryStorage(clock)

    def check(self, queue):
        """Nothing is kept twice that could differ."""
