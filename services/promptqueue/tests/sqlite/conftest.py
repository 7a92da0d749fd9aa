"""A queue in a file of its own, in both journal modes, and what can be seen of it from outside."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from promptqueue.sqlite.file import engine
from promptqueue.sqlite.host import filesystem
from promptqueue.storage import connect

from services.promptqueue.tests.sqlite.backend import SQLiteBackend, quick_folder


@pytest.fixture(autouse=True)
def no_container(monkeypatch):
    """Let the machine be none, whatever the tests run in: a remedy inside one is another."""
    monkeypatch.setattr(filesystem, "CONTAINER", ())


@pytest.fixture(params=["wal", "persist"])
def journal(request):
    """The journal mode. A module to whose promises it is all the same says so by a fixture of its own."""
    if request.param not in SQLiteBackend.modes():
        pytest.skip(f"SQLite {engine.sqlite3.sqlite_version} cannot be trusted with a write-ahead log")
    return request.param


@pytest.fixture
def tmp_path():
    with quick_folder() as folder:
        yield folder


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/queue.db"


@pytest.fixture
def open_storage(url, journal, clock):
    """Have the same queue once more, as another process has it."""
    return lambda **options: connect(url, **{"journal_mode": journal, "clock": clock, **options})


@pytest.fixture
def storage(open_storage):
    return open_storage()


@pytest.fixture
def open_queue(open_storage):
    """Open one more instance, as another process does."""
    with ExitStack() as opened:

        def open_one(**options):
            instance = open_storage(**options).open()
            opened.callback(instance.close)
            return instance

        yield open_one


@pytest.fixture
def another(queue, open_queue):
    """A second instance, which gives a write up after a moment."""
    return open_queue(lock_timeout=0.05)


@pytest.fixture
def run(child, url, journal):
    """Start a process that opens the database under test: its first two arguments are the URL and the journal mode."""
    return lambda program, *arguments: child(program, url, journal, *arguments)


@pytest.fixture
def real_counts(queue):
    """Count the rows of each status and priority, as the counters should say."""
    return lambda: SQLiteBackend().check(queue)


@pytest.fixture
def synchronous(queue):
    """The connection's own word on how far a commit goes: 2 is FULL."""
    return lambda: queue._database.run("PRAGMA synchronous")[0][0]


@pytest.fixture
def stored_bytes(tmp_path):
    """Every byte that the queue keeps on the disk."""
    return lambda: b"".join(path.read_bytes() for path in sorted(tmp_path.glob("queue.db*")))


@pytest.fixture
def open_below():
    """List the files below a folder that this process holds open."""

    def list_open(folder):
        targets = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return sorted(target for target in targets if target.startswith(str(folder)))

    return list_open


@pytest.fixture
def wake(tmp_path):
    return tmp_path / "wake"


@pytest.fixture
def asked(ask):
    """Prompts that were there before anybody listened."""
    return [ask() for _ in range(3)]


@pytest.fixture
def listener(queue, storage, asked):
    with storage.listen() as one:
        yield one
