"""transaction: what shares a commit, and what is undone alone."""

import threading

import pytest
from promptqueue.errors import IdempotencyConflict, PromptNotFound, QueueFull
from promptqueue.prompt import Idempotency, NewPrompt, Status
from support.waiting import DEADLINE


def test_the_verbs_inside_share_one_commit(queue, another, begin, ask, answered):
    claim, waiting = begin(), ask()

    with queue.transaction():
        queue.finish(claim, answered)
        queue.cancel(waiting)
        ask()
        before = another.counts()

    after = another.counts()
    assert (before.queued, before.processing, before.completed) == (1, 1, 0)
    assert (after.queued, after.processing, after.completed) == (1, 0, 2)


def test_a_verb_sees_what_the_verbs_before_it_did(queue, ask, terms):
    with queue.transaction():
        prompt_id = ask()
        assert queue.position(prompt_id) == 1
        assert queue.claim(terms).prompt.id == prompt_id
        assert queue.get(prompt_id).status is Status.PROCESSING


def test_a_verb_that_raises_undoes_itself_alone(queue, another, ask, unknown):
    with queue.transaction():
        before = ask("before")
        with pytest.raises(QueueFull):
            queue.enqueue(NewPrompt(request={}), NewPrompt(request={}), max_queued=2)
        with pytest.raises(PromptNotFound):
            queue.delete(unknown)
        after = ask("after")

    assert [another.position(before), another.position(after)] == [1, 2]
    assert another.counts().queued == 2


def test_one_refused_submission_does_not_refuse_its_neighbours(queue, another, ask):
    ask(idempotency=Idempotency(key="k", fingerprint="one"))

    with queue.transaction():
        with pytest.raises(IdempotencyConflict):
            queue.enqueue(
                NewPrompt(request={}),
                NewPrompt(request={}, idempotency=Idempotency(key="k", fingerprint="two")),
            )
        ask()

    assert another.counts().queued == 2


@pytest.mark.parametrize("error", [ValueError("foreign"), OSError("foreign"), KeyboardInterrupt()], ids=repr)
def test_an_error_that_leaves_the_block_undoes_it_all_and_stays_as_it_is(queue, another, ask, error):
    kept = ask()

    with pytest.raises(type(error)) as raised, queue.transaction():  # noqa: PT012 (the block is what is undone)
        ask()
        queue.cancel(kept)
        raise error

    assert raised.value is error
    assert (another.counts().queued, another.position(kept)) == (1, 1)
    assert another.position(ask()) == 2


def test_blocks_may_be_nested_and_the_inner_one_undone_alone(queue, another, ask):
    with queue.transaction():
        outer = ask()
        with pytest.raises(ValueError, match="foreign"), queue.transaction():  # noqa: PT012 (the block is what is undone)
            inner = ask()
            raise ValueError("foreign")
        with queue.transaction():
            last = ask()

    assert [another.position(outer), another.position(last)] == [1, 2]
    with pytest.raises(PromptNotFound):
        another.get(inner)


def test_writers_take_turns_or_do_not_wait_for_each_other(queue, backend, another, ask):
    writing = threading.Thread(target=lambda: another.enqueue(NewPrompt(request={})))

    with queue.transaction():
        ask()
        writing.start()
        writing.join(0.1 if backend.writes_in_turns else DEADLINE)
        waited = writing.is_alive()
    writing.join(10)

    assert waited == backend.writes_in_turns
    assert queue.counts().queued == 2
