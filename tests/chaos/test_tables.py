"""What a PostgreSQL keeps is held to a count: each figure that is put wrong is found, by name."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from promptqueue import connect
from promptqueue.postgres.storage import PostgresStorage
from promptqueue.prompt import NewPrompt
from support.machine import need_postgres
from support.postgres import postgres_server

from chaos.tables import contents, seen_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chaos.database import Contents

WRONG = {
    "INSERT INTO tally (lane, owner, prompts) VALUES (0, 0, 1)": "waiting in the lane 0",
    "UPDATE tally SET block = block + 1": "in the block",
    "INSERT INTO tally (lane, owner, bytes) VALUES (0, 0, 1)": "bytes",
    "UPDATE totals SET prompts = prompts + 1 WHERE outcome = 'failed'": "of failed",
    "INSERT INTO usage (owner, day, cancelled) VALUES (0, '2026-01-01', 1)": "of cancelled",
    "INSERT INTO usage (owner, day, tokens) VALUES (0, '2026-01-01', 1)": "of tokens",
    "INSERT INTO usage (owner, day, seconds) VALUES (0, '2026-01-01', 1)": "of milliseconds",
    "UPDATE ended SET outcome = 'succeeded'": "that succeeded",
    "UPDATE durations SET prompts = prompts + 1 WHERE what = 'waiting' AND up_to = 10": "measured",
}
NEITHER = "neither in the line nor ended, or both"
BROKEN = {
    "UPDATE ended SET seq = line.seq FROM line": NEITHER,
    "DELETE FROM line": NEITHER,
    "UPDATE ended SET owner = 5": "of another owner",
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Of a queue in which one prompt waits, and one was cancelled."""
    need_postgres()
    with postgres_server(durable=False) as server:
        storage = connect(server.url())
        assert isinstance(storage, PostgresStorage)
        with closing(storage), closing(storage.open()) as queue:
            for request in ({"prompt": "Why?"}, {"prompt": "How?"}):
                [last] = queue.enqueue(NewPrompt(request=request))
            queue.cancel(last.prompt.id)
        yield server.url()


def after(url: str, statement: str) -> Contents:
    """What is seen once a statement has run, which is then taken back."""
    with psycopg.connect(url) as connection:
        connection.execute(statement)
        seen = seen_by(connection)
        connection.rollback()
        return seen


def test_nothing_is_miscounted_where_nothing_is_broken(url: str) -> None:
    stored = contents(url)

    assert (stored.integrity, stored.miscounted, stored.orphans) == ("ok", [], 0)
    assert +stored.counters == {("queued", "interactive"): 1, ("completed", "interactive"): 1}
    assert sorted(row["status"] for row in stored.prompts.values()) == ["completed", "queued"]
    assert sorted(stored.texts.values()) == ["How?", "Why?"]


@pytest.mark.parametrize(("statement", "words"), WRONG.items(), ids=WRONG.values())
def test_what_is_miscounted_is_found(url: str, statement: str, words: str) -> None:
    assert any(words in found for found in after(url, statement).miscounted)


@pytest.mark.parametrize(("statement", "words"), BROKEN.items(), ids=BROKEN.keys())
def test_what_is_broken_is_found(url: str, statement: str, words: str) -> None:
    assert words in after(url, statement).integrity


def test_what_belongs_to_no_prompt_is_found(url: str) -> None:
    assert after(url, "DELETE FROM prompts").orphans == 2
