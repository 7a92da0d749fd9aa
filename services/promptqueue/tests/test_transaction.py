import time
import uuid

import pytest
from promptqueue.errors import ClaimLost, IdempotencyConflict, PromptNotFound, QueueFull, StorageUnavailable
from promptqueue.prompt import Answered, Idempotency, NewPrompt, Status


def test_the_verbs_inside_share_one_commit(queue, another, ask, terms, answered):
    claim = queue.claim(terms) if ask() else None
    waiting = ask()

    with queue.transaction():
        queue.finish(claim, answered)
        queue.cancel(waiting)
        queue.enqueue(NewPrompt(request={}))
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


def test_a_verb_that_raises_undoes_itself_alone(queue, another, ask):
    with queue.transaction():
        before = ask("before")
        with pytest.raises(QueueFull):
            queue.enqueue(NewPrompt(request={}), NewPrompt(request={}), max_queued=2)
        with pytest.raises(PromptNotFound):
            queue.delete("7d444840-9dc0-11d1-b245-5ffdce74fad2")
        after = ask("after")

    assert [another.position(before), another.position(after)] == [1, 2]
    assert another.counts().queued == 2


def test_one_refused_submission_does_not_refuse_its_neighbours(queue, another):
    def new(fingerprint):
        return NewPrompt(request={}, idempotency=Idempotency(key="k", fingerprint=fingerprint))

    with queue.transaction():
        queue.enqueue(new("one"))
        with pytest.raises(IdempotencyConflict):
            queue.enqueue(NewPrompt(request={}), new("two"))
        queue.enqueue(NewPrompt(request={}))

    assert another.counts().queued == 2


def test_an_error_that_leaves_the_block_undoes_it_all(queue, another, ask, real_counts):
    kept = ask()

    with pytest.raises(PromptNotFound), queue.transaction():  # noqa: PT012 (the block is what is undone)
        ask()
        queue.cancel(kept)
        queue.get("7d444840-9dc0-11d1-b245-5ffdce74fad2")

    assert real_counts() == {("queued", "interactive"): 1}
    assert another.position(kept) == 1


@pytest.mark.parametrize("error", [ValueError("foreign"), OSError("foreign"), KeyboardInterrupt()], ids=repr)
def test_a_foreign_error_leaves_the_block_as_it_is(queue, another, ask, error):
    with pytest.raises(type(error)) as raised, queue.transaction():  # noqa: PT012 (the block is what is undone)
        ask()
        raise error

    assert raised.value is error
    assert another.counts().queued == 0


def test_the_queue_goes_on_after_an_error(queue, another, ask):
    with pytest.raises(ValueError, match="foreign"), queue.transaction():  # noqa: PT012 (the block is what is undone)
        ask()
        raise ValueError("foreign")

    ask()

    assert another.counts().queued == 1


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


def test_nobody_hears_of_what_was_undone(queue, storage, ask):
    with storage.listen() as listener, listener.subscribe() as everything:
        with pytest.raises(ValueError, match="foreign"), queue.transaction():  # noqa: PT012 (the block is what is undone)
            ask()
            raise ValueError("foreign")
        committed = ask()

        assert [note.prompt_id for note in everything.wait(5)] == [committed]


def test_nobody_hears_of_a_commit_before_it_is_done(queue, storage, another, ask):
    with storage.listen() as listener, listener.subscribe() as everything:
        with queue.transaction():
            prompt_id = ask()
            before = everything.wait(0.05)
        heard = everything.wait(5)

        assert (before, [note.prompt_id for note in heard]) == ([], [prompt_id])
        assert another.position(prompt_id) == 1


def test_writes_of_two_instances_take_turns(queue, another):
    with queue.transaction(), pytest.raises(StorageUnavailable):
        another.enqueue(NewPrompt(request={}))

    another.enqueue(NewPrompt(request={}))

    assert queue.counts().queued == 1


def test_a_renewal_inside_waits_for_the_disk_with_the_others(queue, ask, terms, synchronous):
    ask()
    claim = queue.claim(terms)

    with queue.transaction():
        queue.renew(claim)
        queue.finish(claim, Answered(record={}, tokens=1))
        during = synchronous()

    assert during == 2


def test_an_answer_and_its_refusal_cannot_both_be_committed(queue, another, ask, terms, answered):
    prompt_id = ask()
    claim = queue.claim(terms)

    with queue.transaction():
        queue.cancel(prompt_id)
        with pytest.raises(ClaimLost):
            queue.finish(claim, answered)

    assert another.get(prompt_id).outcome == "cancelled"
    assert another.answer(prompt_id) is None


def test_thousands_of_submissions_cost_no_more_within_a_block_within_a_block(queue):
    """Savepoints within a savepoint once made it thirty times as much."""

    def submissions(number):
        keys = [Idempotency(key=str(uuid.uuid4()), fingerprint="f" * 64) for _ in range(number)]
        return [NewPrompt(request={"prompt": "x" * 1_000}, idempotency=key) for key in keys]

    def seconds(submit):
        new, begun = submissions(2_500), time.thread_time()
        submit(new)
        return time.thread_time() - begun

    def one_by_one(new):
        with queue.transaction(), queue.transaction():
            for each in new:
                queue.enqueue(each)

    def at_once(new):
        with queue.transaction():
            queue.enqueue(*new)

    queue.enqueue(*submissions(6_000))
    plain = seconds(lambda new: queue.enqueue(*new))

    assert seconds(one_by_one) < 3 * plain
    assert seconds(at_once) < 3 * plain


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
