"""One watcher serves all slots: their text and their leases share a commit."""

from __future__ import annotations

import pytest
from promptqueue.prompt import Outcome, Status
from promptqueue.sqlite.queue import SQLitePromptQueue
from support.waiting import seconds_until, stays, until


@pytest.fixture
def commits(monkeypatch):
    """How many texts and renewals each commit had that need not be durable."""
    counts: list[int] = []
    transaction, write, renew = SQLitePromptQueue.transaction, SQLitePromptQueue.write, SQLitePromptQueue.renew

    def counted(self, *, durable=True):
        if not durable:
            counts.append(0)
        return transaction(self, durable=durable)

    def counting(verb):
        def count(*arguments, **named):
            counts[-1] += 1
            return verb(*arguments, **named)

        return count

    monkeypatch.setattr(SQLitePromptQueue, "transaction", counted)
    monkeypatch.setattr(SQLitePromptQueue, "write", counting(write))
    monkeypatch.setattr(SQLitePromptQueue, "renew", counting(renew))
    return counts


def test_partial_text_of_all_slots_is_written_in_one_commit(worker, ollama, queue, ask, commits):
    ollama.set(slots=4, pace=0.02, text="word " * 1000)
    prompts = [ask(f"number {number}") for number in range(4)]
    worker(worker_concurrency=4)
    until(lambda: all(queue.partial(prompt.id) for prompt in prompts))

    del commits[:]
    until(lambda: len(commits) > 8, within=20)

    assert sorted(commits[:8])[4] == 4  # in most; a machine that is busy may keep one of them waiting


def test_leases_that_are_all_due_are_renewed_in_one_commit(worker, ollama, queue, ask, commits):
    ollama.set(slots=3)
    ollama.fault("hang_before_first_token", times=3)
    prompts = [ask(f"number {number}") for number in range(3)]
    worker(worker_concurrency=3, lease_seconds=1)
    until(lambda: all(queue.get(prompt.id).status is Status.PROCESSING for prompt in prompts))

    stays(lambda: all(queue.get(prompt.id).attempt == 1 for prompt in prompts), seconds=2.5)

    assert max(commits) == 3
    assert len(commits) <= 2.5 / 0.33 + 3


def test_what_ends_one_call_leaves_the_others_watched(worker, ollama, queue, ask, completed):
    ollama.set(slots=2, pace=0.02, text="word " * 100)
    gone, stays_on = ask("first"), ask("second")
    worker(worker_concurrency=2)
    until(lambda: queue.partial(gone.id) and queue.partial(stays_on.id))

    queue.cancel(gone.id)

    assert seconds_until(lambda: ollama.left == 1, within=2) < 1
    assert completed(stays_on).outcome is Outcome.SUCCEEDED
