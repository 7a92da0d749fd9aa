"""What is kept of owners is held to a count: each figure that is put wrong is found, by name."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from promptqueue import connect
from promptqueue.owners.key import Role, new_key
from promptqueue.prompt import NewPrompt
from promptqueue.sqlite.file.engine import sqlite3

from chaos.database import contents

if TYPE_CHECKING:
    from pathlib import Path

WRONG = {
    "UPDATE turns SET waiting = waiting + 1": "waiting in the lane interactive",
    "UPDATE line SET prompts = prompts + 1": "in the line interactive",
    "DELETE FROM turns": "waiting in the lane interactive",
    "UPDATE owners SET running = running + 1": "running",
    "UPDATE owners SET stored_bytes = stored_bytes + 1": "bytes",
    "UPDATE totals SET prompts = prompts + 1 WHERE outcome = 'failed'": "of failed",
    "UPDATE usage SET cancelled = cancelled + 1": "of cancelled",
    "UPDATE usage SET tokens = tokens + 1": "of tokens",
    "UPDATE usage SET seconds = seconds + 1": "of milliseconds",
    "UPDATE prompts SET outcome = 'succeeded' WHERE outcome = 'cancelled'": "that succeeded",
    "UPDATE durations SET prompts = prompts + 1 WHERE what = 'waiting' AND up_to = 10": "measured",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of an owner's queue: one prompt waits, one was cancelled."""
    path = tmp_path / "queue.db"
    with closing(connect(f"sqlite:///{path}").open()) as queue:
        owner = queue.add_key(new_key(), owner="anna", role=Role.USER).owner
        for request in ({"prompt": "Why?"}, {"prompt": "How?"}):
            [last] = queue.enqueue(NewPrompt(request=request, owner=owner.number))
        queue.cancel(last.prompt.id)
    return path


def test_nothing_is_miscounted_where_nothing_is_broken(path: Path) -> None:
    assert contents(path).miscounted == []


def test_whose_a_prompt_is_can_be_read(path: Path) -> None:
    stored = contents(path)

    assert {stored.owner_of(prompt_id) for prompt_id in stored.prompts} == {"anna"}


@pytest.mark.parametrize(("statement", "words"), WRONG.items(), ids=WRONG.values())
def test_what_is_miscounted_is_found(path: Path, statement: str, words: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)

    assert any(words in found for found in contents(path).miscounted)
