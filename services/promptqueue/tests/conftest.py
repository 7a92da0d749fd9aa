"""What the tests of the queue have in common: a clock that is moved by hand, a worker, a prompt.

Each folder says what the `storage` is that all this stands on.
"""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import promptqueue
import pytest
from promptqueue.prompt import Answered, Failed, NewPrompt, Terms
from support.waiting import DEADLINE, until

WALL = 1_700_000_000.0


class HandClock:
    """A clock whose times stand still until a test moves them."""

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
        self.presence = storage.register(slots=slots)
        self._alive = True
        self.terms = Terms(worker=self.presence.id, **terms)

    def describe(self, model, *, server="http://ollama:11434", **more):
        """Say how the model is on a server of its own."""
        self._queue.describe_model(model, worker=self.terms.worker, server=server, **more)

    def die(self):
        if self._alive:
            self.presence.leave()
        self._alive = False


class Holder:
    """An entry of this process among those that hold calls."""

    def __init__(self, storage):
        self._storage = storage
        self._presence = storage.attend()
        self._alive = True
        self.id = self._presence.id

    def leave(self):
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

    def lines(self):
        """Let it end, and give what it printed."""
        text, _ = self._process.communicate(timeout=DEADLINE)
        assert self._process.returncode == 0
        return text.splitlines()

    def output(self):
        """Let it end, and give the words that it printed."""
        return " ".join(self.lines()).split()

    def close(self):
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def unknown():
    """An id that no prompt has."""
    return "7d444840-9dc0-11d1-b245-5ffdce74fad2"


@pytest.fixture
def queue(storage):
    queue = storage.open()
    yield queue
    queue.close()


@pytest.fixture
def another(storage, queue):
    """A second instance."""
    another = storage.open()
    yield another
    another.close()


@pytest.fixture
def hire(storage, queue):
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
def attend(storage, queue):
    """Enter a process among those that hold calls: `attend().leave()` to let it be gone."""
    with ExitStack() as attending:

        def attend_one():
            holder = Holder(storage)
            attending.callback(holder.leave)
            return holder

        yield attend_one


@pytest.fixture
def terms(worker):
    """Terms of a worker that lives: a lease of 15 seconds, a budget of three failures."""
    return worker.terms


@pytest.fixture
def ask(queue):
    """Enqueue one prompt; its id."""

    def ask_one(text="Why is the sky blue?", **values):
        [accepted] = queue.enqueue(NewPrompt(request={"prompt": text}, **values))
        return accepted.prompt.id

    return ask_one


@pytest.fixture
def begin(queue, ask, terms):
    """Enqueue a prompt and claim the next one; the claim."""

    def begin_one(on=terms, **values):
        ask(**values)
        return queue.claim(on)

    return begin_one


@pytest.fixture
def fail(queue, terms):
    """Let the next prompt fail so many times in a row; the second time it must wait for two seconds."""

    def fail_often(times):
        for _ in range(times):
            queue.finish(queue.claim(terms), Failed(cause="reset"))

    return fail_often


@pytest.fixture
def answered():
    """An ending: the model answered."""
    return Answered(record={"response": "Rayleigh.", "done": True}, tokens=3)


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
def listener(storage, queue):
    with storage.listen() as one:
        yield one


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
def eventually():
    """Wait until something is true, at most until the deadline."""
    return until


@pytest.fixture
def child():
    """Start a process that runs a small program."""
    with ExitStack() as started:

        def start(program, *arguments):
            process = Child(program, *arguments)
            started.callback(process.close)
            return process

        yield start
