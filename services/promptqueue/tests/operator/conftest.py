"""What the tests of the operator's command line share: a command that is typed, and what it says."""

import json
import shlex
from pathlib import Path

import promptqueue
import pytest
from click.testing import CliRunner
from promptqueue.operator.command import PROGRAM, commands
from promptqueue.prompt import Answered


class Done:
    """What a command has said, and how it ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def json(self):
        return json.loads(self.out)


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
def finish(queue, ask, terms):
    """Ask and have it answered; its id."""

    def finish_one(text="Why is the sky blue?"):
        prompt_id = ask(text)
        queue.finish(queue.claim(terms), Answered(record={"response": "Rayleigh.", "done": True}, tokens=3))
        return prompt_id

    return finish_one
