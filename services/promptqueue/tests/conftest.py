"""Real SQLite in both journal modes, a clock that is moved by hand, real processes."""

import inspect
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import promptqueue
import pytest
from promptqueue.prompt import Answered, NewPrompt, Terms
from promptqueue.sqlite.file import engine
from promptqueue.sqlite.host import filesystem
from promptqueue.storage import connect
from support.waiting import DEADLINE, until

WALL = 1_700_000_000.0


class HandClock:
    """A duck of promptqueue.sqlite.host.clock.Clock whose times stand still until a test moves them."""

    def __init__(self):
        self.boot = "this boot"
        self._monotonic = 1_000.0
        self._slept = 0.0
        self._wall = WALL

    def monotonic(self):
        return self._monotonic

    def elapsed(self):
        return self._monotonic + self._slept

    def wall(self):
        return self._wall

    def advance(self, seconds):
        self._monotonic += seconds
        self._wall += seconds

    def step_wall(self, seconds):
        self._wall += seconds

    def sleep(self, seconds):
        self._slept += seconds
        self._wall += seconds

    def reboot(self):
        self.boot += "'"
        self._monotonic, self._slept = 5.0, 0.0


class Worker:
    """A registered worker of this process and the terms that it claims on."""

    def __init__(self, queue, storage, slots, **terms):
        self._queue = queue
        self._presence = storage.register(slots=slots)
        self._alive = True
        self.terms = Terms(worker=self._presence.id, **terms)

    def describe(self, model, *, server="http://ollama:11434"):
        """Say how the model is on a server of its own."""
        self._queue.describe_model(model, worker=self.terms.worker, server=server)

    def die(self):
        if self._alive:
            self._presence.leave()
        self._alive = False


class Child:
    """A process that runs a small program against the code under test."""

    def __init__(self, program, *arguments):
        source = str(Path(promptqueue.__file__).parents[1])
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": source},
        )

    def read(self):
        return self._process.stdout.readline().strip()

    def say(self, line=""):
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def kill(self):
        self._process.kill()
        self._process.wait(DEADLINE)

    def output(self):
        """Let it end, and give what it printed."""
        text, _ = self._process.communicate(timeout=DEADLINE)
        assert self._process.returncode == 0
        return text.split()

    def close(self):
        self._process.kill()
        self._process.communicate()


@pytest.fixture(autouse=True)
def no_container(monkeypatch):
    """Let the machine be none, whatever the tests run in: a remedy inside one is another."""
    monkeypatch.setattr(filesystem, "CONTAINER", ())


@pytest.fixture
def clock():
    return HandClock()


OF_EITHER_JOURNAL = {
    *(
        "cancel",
        "claim",
        "counts",
        "finish",
        "get",
        "model",
        "newest",
        "overdue",
        "pause",
        "position",
        "put_back",
        "read",
    ),
    *("recover", "release", "renew", "retry", "settle", "progress_of", "workers", "write"),
}
"""Files of tests of what a verb means: a journal changes locks, erasing and what a power cut takes, and none of that.

The state machine goes through all verbs under both.
"""


def pytest_generate_tests(metafunc):
    if "journal" in metafunc.fixturenames:
        asks = "journal" in inspect.signature(metafunc.function).parameters
        is_of_either = metafunc.module.__name__.rpartition("test_")[2] in OF_EITHER_JOURNAL and not asks
        modes = [engine.journal_mode("auto")] if is_of_either else ["wal", "persist"]
        metafunc.parametrize("journal", modes, indirect=True)


@pytest.fixture
def journal(request):
    if request.param == "wal" and engine.journal_mode("auto") != "wal":
        pytest.skip(f"SQLite {engine.sqlite3.sqlite_version} cannot be trusted with a write-ahead log")
    return request.param


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/queue.db"


@pytest.fixture
def storage(url, journal, clock):
    return connect(url, journal_mode=journal, clock=clock)


@pytest.fixture
def open_queue(url, journal, clock):
    """Open one more instance of the same database, as another process does."""
    with ExitStack() as opened:

        def open_one(**options):
            instance = connect(url, **{"journal_mode": journal, "clock": clock, **options}).open()
            opened.callback(instance.close)
            return instance

        yield open_one


@pytest.fixture
def queue(storage):
    queue = storage.open()
    yield queue
    queue.close()


@pytest.fixture
def another(queue, open_queue):
    """A second instance, which gives a write up after a moment."""
    return open_queue(lock_timeout=0.05)


@pytest.fixture
def hire(queue, storage):
    """Register a worker: `hire().terms` to claim on, `hire().die()` to let it be gone."""
    with ExitStack() as hired:

        def hire_one(*, slots=1, **terms):
            worker = Worker(queue, storage, slots, **terms)
            hired.callback(worker.die)
            return worker

        yield hire_one


@pytest.fixture
def worker(hire):
    return hire()


@pytest.fixture
def terms(worker):
    return worker.terms


@pytest.fixture
def ask(queue):
    """Enqueue one prompt; its id."""

    def ask_one(text="Why is the sky blue?", **values):
        [accepted] = queue.enqueue(NewPrompt(request={"prompt": text}, **values))
        return accepted.prompt.id

    return ask_one


@pytest.fixture
def answered():
    """An ending: the model answered."""
    return Answered(record={"response": "Rayleigh.", "done": True}, tokens=3)


@pytest.fixture
def child():
    """Start a process that runs a small program."""
    with ExitStack() as started:

        def start(program, *arguments):
            process = Child(program, *arguments)
            started.callback(process.close)
            return process

        yield start


@pytest.fixture
def run(child, url, journal):
    """Start a process that opens the database under test: its first two arguments are the URL and the journal mode."""
    return lambda program, *arguments: child(program, url, journal, *arguments)


@pytest.fixture
def eventually():
    """Wait until something is true, at most until the deadline."""
    return until


@pytest.fixture
def real_counts(queue):
    """Count the rows of each status and priority, as the counters should say."""

    def count():
        run = queue._database.run
        counted = run("SELECT status, priority, count(*) AS prompts FROM prompts GROUP BY status, priority")
        kept = run("SELECT status, priority, prompts FROM counters WHERE prompts > 0")
        assert sorted(map(tuple, counted)) == sorted(map(tuple, kept))
        line = run("SELECT priority, seq / 256, count(*) FROM prompts WHERE status = 'queued' GROUP BY 1, 2")
        assert sorted(map(tuple, line)) == sorted(map(tuple, run("SELECT priority, block, prompts FROM line")))
        return {(row["status"], row["priority"]): row["prompts"] for row in counted}

    return count


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


@pytest.fixture(params=["recover", "settle"])
def care(request, queue):
    """Take care of one prompt, by the verb for all or by the verb for one; where it stands then."""

    def take_care(prompt_id):
        if request.param == "settle":
            return queue.settle(prompt_id)
        queue.recover()
        return queue.get(prompt_id)

    return take_care


@pytest.fixture
def wake(tmp_path):
    return tmp_path / "wake"


@pytest.fixture
def until_heard():
    """Wait until a subscription has heard so many notes; these."""

    def wait_for(subscription, count):
        heard = []
        while len(heard) < count:
            notes = subscription.wait(DEADLINE)
            assert notes, f"heard no more than {heard}"
            heard += notes
        return heard

    return wait_for


@pytest.fixture
def asked(ask):
    """Prompts that were there before anybody listened."""
    return [ask() for _ in range(3)]


@pytest.fixture
def listener(queue, storage, asked):
    with storage.listen() as one:
        yield one
