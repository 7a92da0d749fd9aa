"""What the storage refuses becomes StorageUnavailable, changes nothing, and passes."""

from contextlib import closing, contextmanager

import pytest
from promptqueue.condition import Model, ModelState
from promptqueue.errors import QueueFull, StorageUnavailable
from promptqueue.prompt import Answered, NewPrompt, Origin
from promptqueue.sqlite.file.engine import sqlite3

OF_PROMPTS = ("prompts", "requests", "answers", "partials", "origins", "holds")
OF_OWNERS = ("owners", "turns", "lanes", "usage", "totals", "durations")
TABLES = (*OF_PROMPTS, *OF_OWNERS, "idempotency_keys", "counters", "line", "control", "models", "gone_holders")


@pytest.fixture
def everything(url):
    """All that the database holds."""

    def dump():
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}

    return dump


@contextmanager
def locked_by_a_stranger(url):
    """Hold the database's lock as a program does that knows nothing of turns, such as the sqlite3 shell."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        yield
        stranger.execute("ROLLBACK")


VERBS = {
    "enqueue": lambda queue, _: queue.enqueue(NewPrompt(request={})),
    "cancel": lambda queue, claim: queue.cancel(claim.prompt.id),
    "reattach": lambda queue, _: queue.reattach("a", "f", holder="new"),
    "let_go": lambda queue, claim: queue.let_go(claim.prompt.id),
    "delete": lambda queue, claim: queue.delete(claim.prompt.id),
    "claim": lambda queue, claim: queue.claim(claim.terms),
    "renew": lambda queue, claim: queue.renew(claim),
    "write": lambda queue, claim: queue.write(claim, "late", offset=3, tokens=2),
    "finish": lambda queue, claim: queue.finish(claim, Answered(record={}, tokens=1)),
    "release": lambda queue, claim: queue.release(claim),
    "settle": lambda queue, claim: queue.settle(claim.prompt.id),
    "recover": lambda queue, _: queue.recover(),
    "prune": lambda queue, _: queue.prune(older_than=-1),
    "describe_model": lambda queue, claim: queue.describe_model(
        Model(name="llama3.2", state=ModelState.READY), worker=claim.terms.worker, server="http://ollama:11434"
    ),
    "pause": lambda queue, _: queue.pause(True),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("by", ["a stranger", "one of ours"])
def test_a_verb_that_cannot_get_the_lock_changes_nothing_and_works_again_later(
    queue, open_queue, ask, terms, answered, clock, url, everything, verb, by
):
    waiting = open_queue(lock_timeout=0.05)
    ask()
    queue.finish(queue.claim(terms), answered)
    ask(origin=Origin(face="a", echo={}, fingerprint="f", holder="gone"))
    claim = queue.claim(terms)
    queue.write(claim, "Ray", offset=0, tokens=1)
    ask(expires_in=1)
    ask()
    clock.advance(2)
    before = everything()

    is_ours = by == "one of ours"
    told = "by another process" if is_ours else r"; another program keeps it locked, so let that one finish\.$"

    with (
        queue.transaction() if is_ours else locked_by_a_stranger(url),
        pytest.raises(StorageUnavailable, match=told),
    ):
        VERBS[verb](waiting, claim)
    after = everything()
    VERBS[verb](waiting, claim)

    assert after == before
    assert verb == "settle" or everything() != before


def test_a_reader_of_a_log_never_meets_a_lock_and_elsewhere_is_told(open_queue, ask, url, journal):
    prompt_id, reading = ask(), open_queue(lock_timeout=0.05)

    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as stranger:
        stranger.execute("BEGIN EXCLUSIVE")
        if journal == "wal":
            assert reading.get(prompt_id).id == prompt_id
        else:
            with pytest.raises(StorageUnavailable, match="locked"):
                reading.get(prompt_id)
        stranger.execute("ROLLBACK")

    assert reading.get(prompt_id).id == prompt_id


def test_no_verb_half_commits_after_sqlite_gave_the_transaction_up(queue, another, ask):
    waiting = ask()

    def share():
        with queue.transaction():
            queue.cancel(waiting)
            queue._database.run("ROLLBACK")  # as SQLite itself does, when a disk is full in the wrong moment
            with pytest.raises(StorageUnavailable, match=r"given up because of an earlier error\.$"):
                ask()

    with pytest.raises(StorageUnavailable):
        share()

    assert another.position(waiting) == 1
    assert another.counts().queued == 1
    ask()
    assert another.counts().queued == 2


def test_a_refusal_that_is_no_fault_of_the_storage_is_not_its_own(queue, ask):
    with pytest.raises(QueueFull), queue.transaction():
        queue.enqueue(NewPrompt(request={}), max_queued=0)

    with pytest.raises(sqlite3.IntegrityError):
        queue._database.run("INSERT INTO counters (status, priority) VALUES ('queued', 'batch')")

    assert ask()


def test_a_verb_that_fails_half_way_takes_the_whole_transaction_with_it(queue, another, ask, monkeypatch):
    def broken(_):
        raise OSError(5, "Input/output error")

    def ask_twice():
        with queue.transaction():
            ask()
            with monkeypatch.context() as patch:
                patch.setattr(queue._database, "changed", broken)
                with pytest.raises(OSError, match="Input/output"):
                    ask()

    with pytest.raises(StorageUnavailable, match="given up because of an earlier error"):
        ask_twice()

    assert another.counts().queued == 0
    ask()
    assert another.counts().queued == 1
