"""Queues to be moved, on either engine: places for them, what lives in them, and the command that moves them."""

import itertools
import json
import shutil
from contextlib import closing, contextmanager
from dataclasses import dataclass

import pytest
from click.testing import CliRunner
from promptqueue.operator.command import PROGRAM, commands
from promptqueue.prompt import NewPrompt
from promptqueue.sqlite.storage import path_of
from promptqueue.storage import connect

from services.promptqueue.tests.migration.lived_in import live_in
from services.promptqueue.tests.postgres.backend import server
from services.promptqueue.tests.sqlite.backend import quick_folder

number = itertools.count()
EXAMPLE = "migration_example"


@pytest.fixture
def tmp_path():
    with quick_folder() as folder:
        yield folder


def type_command(*words):
    result = CliRunner().invoke(commands, words, prog_name=PROGRAM)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def refusal(self):
        """Its code and its sentence."""
        return (self.json["error"]["code"], self.json["error"]["message"])


@pytest.fixture
def place(tmp_path):
    """Name a place where there is no queue yet, by its engine."""

    def name(engine):
        one = f"migration_{next(number)}"
        if engine == "sqlite":
            (tmp_path / one).mkdir()
            return f"sqlite:///{tmp_path}/{one}/queue.db"
        server().make_database(one)
        return server().url(one)

    return name


@pytest.fixture
def opened(clock):
    """Open the queue at a URL, for what happens inside."""

    @contextmanager
    def open_one(url, **options):
        with closing(connect(url, clock=clock, **options)) as storage, closing(storage.open()) as queue:
            yield queue

    return open_one


@pytest.fixture
def typed():
    """Type a command, and give what it says."""
    return type_command


@pytest.fixture
def migrate():
    """Type the one that moves a queue, as a script does."""
    return lambda source, target: type_command("migrate", source, target, "--json")


@pytest.fixture
def moved():
    """Move a queue, which works; what the command says of it."""

    def move(source, target):
        done = type_command("migrate", source, target, "--json")
        assert (done.code, done.err) == (0, ""), done.out
        return done.json

    return move


@pytest.fixture(scope="session")
def example_file():
    """A queue in a file in which 2,000 prompts have lived. It is not to be changed."""
    with quick_folder() as folder:
        live_in(f"sqlite:///{folder}/queue.db", 2_000)
        yield folder / "queue.db"


@pytest.fixture(scope="session")
def example_database():
    """The same in a database."""
    server().make_database(EXAMPLE)
    live_in(server().url(EXAMPLE), 2_000)
    return EXAMPLE


@pytest.fixture
def lived_in(place, request):
    """Give a queue in which 2,000 prompts have lived, kept by an engine; its URL."""

    def give(engine):
        if engine == "sqlite":
            there = place(engine)
            shutil.copy(request.getfixturevalue("example_file"), path_of(there))
            return there
        one = f"migration_{next(number)}"
        server().run("createdb", "--template", request.getfixturevalue("example_database"), one)
        return server().url(one)

    return give


@pytest.fixture
def of_one():
    """Give a queue with one prompt; its id."""

    def make(url):
        with closing(connect(url)) as storage, closing(storage.open()) as queue:
            return queue.enqueue(NewPrompt(request={"prompt": "Why?"}))[0].prompt.id

    return make
