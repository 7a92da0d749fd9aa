"""The suite of every backend: to have another one keep the contract, add it to BACKENDS."""

import pytest

from services.promptqueue.tests.memory.backend import MemoryBackend
from services.promptqueue.tests.postgres.backend import PostgresBackend
from services.promptqueue.tests.sqlite.backend import SQLiteBackend

MODES = {mode: SQLiteBackend(mode) for mode in SQLiteBackend.modes()}
BACKENDS = {"sqlite": SQLiteBackend(), "postgres": PostgresBackend(), "memory": MemoryBackend()}


@pytest.fixture(params=BACKENDS.values(), ids=BACKENDS)
def backend(request):
    return request.param


EVERY_WAY = {**MODES, **{name: each for name, each in BACKENDS.items() if name != "sqlite"}}


@pytest.fixture(params=EVERY_WAY.values(), ids=EVERY_WAY)
def each_backend(request):
    """Every backend in every way that it can be set up."""
    return request.param


@pytest.fixture
def storage(backend, clock):
    with backend.fresh(clock) as storage:
        yield storage


@pytest.fixture
def in_order(backend, queue):
    """Check what only the backend can know of itself."""
    return lambda: backend.check(queue)
