"""One watcher serves all slots: their text and their leases share a commit."""

from __future__ import annotations

import pytest
from promptqueue.prompt import Outcome, Status
from promptqueue.sqlite.queue import SQLitePromptQueue


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


def test_partial_text_of_all_slots_is_written_in_one_commit(short_of_patience, ollama, queue, ask, wait_until, commits):
    ollama.set(slots=4, pace=0.02, text="word " * 1000)
    prompts = [ask(f"number {number}") for number in range(4)]
    short_of_patience(worker_concurrency=4)
    wait_until(lambda: all(queue.partial(prompt.id) for prompt in prompts), within=10)

    del commits[:]
    wait_until(lambda: len(commits) > 8, within=20)

    assert sorted(commits[:8])[4] == 4  # in most; a machine that is busy may keep one of them waiting


def test_leases_that_are_all_due_are_renewed_in_one_commit(
    short_of_patience, ollama, queue, ask, wait_until, commits, stays
):
    ollama.set(slots=3)
    ollama.fault("hang_before_first_token", times=3)
    prompts = [ask(f"number {number}") for number in range(3)]
    short_of_patience(worker_concurrency=3, lease_seconds=1.5)
    wait_until(lambda: all(queue.get(prompt.id).status is Status.PROCESSING for prompt in prompts), within=10)

    stays(lambda: all(queue.get(prompt.id).attempt == 1 for prompt in prompts), seconds=4)

    assert max(commits) == 3
    assert len(commits) <= 4 / 0.5 + 3


def test_what_ends_one_call_leaves_the_others_watched(short_of_patience, ollama, queue, ask, wait_until, completed):
    ollama.set(slots=2, pace=0.02, text="word " * 100)
    gone, stays_on = ask("first"), ask("second")
    short_of_patience(worker_concurrency=2)
    wait_until(lambda: queue.partial(gone.id) and queue.partial(stays_on.id), within=10)

    queue.cancel(gone.id)

    assert wait_until(lambda: ollama.left == 1, within=2) < 1
    assert completed(stays_on).outcome is Outcome.SUCCEEDED
