"""What the tests of the operator's command line share: a command that is typed, and what it says."""

import json
import os
import pty
import shlex
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import promptqueue
import pytest
from click.testing import CliRunner
from promptqueue.operator.command import PROGRAM, commands
from promptqueue.prompt import Answered
from promptqueue.sqlite.file.engine import journal_mode
from promptqueue.storage import connect

from services.promptqueue.tests.postgres.backend import DATABASE, empty, server
from services.promptqueue.tests.sqlite.backend import quick_folder


class Done:
    """What a command has said, and how it ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


class Terminal:
    """One command of the operator on a terminal of its own; `code` is how it ended."""

    def __init__(self, line, environ):
        self._ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "promptqueue", *shlex.split(line)]
        self._process = subprocess.Popen(
            command, env={**os.environ, **environ}, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        self.code = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def type(self, line):
        os.write(self._ours, f"{line}\n".encode())

    def to_its_end(self):
        """All that is shown until the command has ended."""
        shown = b""
        try:
            while piece := os.read(self._ours, 4096):
                shown += piece
        except OSError:  # what the kernel says of a terminal that nobody has open any more
            pass
        self.code = self._process.wait(60)
        return shown.decode()


@pytest.fixture
def journal():
    """A command line does the same in either."""
    return journal_mode("auto")


@pytest.fixture
def tmp_path():
    with quick_folder() as folder:
        yield folder


@pytest.fixture
def engine():
    """What keeps the queue. A module whose commands read the contract alone names both."""
    return "sqlite"


@pytest.fixture
def url(engine, tmp_path):
    if engine == "sqlite":
        return f"sqlite:///{tmp_path}/queue.db"
    empty()
    return server().url(DATABASE)


@pytest.fixture
def storage(url, journal, clock):
    with closing(connect(url, journal_mode=journal, clock=clock)) as storage:
        yield storage


@pytest.fixture
def stored_bytes(tmp_path):
    """Every byte that the queue keeps on the disk."""
    return lambda: b"".join(path.read_bytes() for path in sorted(tmp_path.glob("queue.db*")))


@pytest.fixture
def environ(url):
    return {"PYTHONPATH": str(Path(promptqueue.__file__).parents[1]), "DATABASE_URL": url, "COLUMNS": "100"}


@pytest.fixture
def operate(environ, tmp_path, monkeypatch):
    """Run one command as it is typed; in this process, for a process of its own takes a quarter of a second."""
    monkeypatch.chdir(tmp_path)

    def run(line, **variables):
        result = CliRunner().invoke(commands, shlex.split(line), env=environ | variables, prog_name=PROGRAM)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def on_terminal(environ):
    """Type a command on a terminal, answer what it asks, and give all that was shown and how it ended."""

    def run(line, *answers):
        with Terminal(line, environ) as terminal:
            for answer in answers:
                terminal.type(answer)
            return terminal.to_its_end(), terminal.code

    return run


@pytest.fixture
def finish(queue, ask, terms):
    """Ask and have it answered; its id."""

    def finish_one(text="Why is the sky blue?"):
        prompt_id = ask(text)
        queue.finish(queue.claim(terms), Answered(record={"response": "Rayleigh.", "done": True}, tokens=3))
        return prompt_id

    return finish_one
