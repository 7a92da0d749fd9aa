"""enqueue: all in one commit and in this order, or none; as it was asked."""

import uuid

import pytest
from promptqueue.errors import IdempotencyConflict, QueueFull, StorageFull
from promptqueue.prompt import Idempotency, NewPrompt, Outcome, Priority, Status

ODD_TEXTS = {
    "empty": "",
    "nul": "\0",
    "nul within": "a\0b",
    "wide": "🌍 ünïcödé \u2028",
    "sql": "'; DROP TABLE prompts; --",
    "escape": "\\ud800",
    "one megabyte": "x" * 1_000_000,
}


def new(text="hello", **values):
    return NewPrompt(request={"prompt": text}, **values)


def test_an_accepted_prompt_is_queued_with_everything_it_came_with(queue, clock):
    [accepted] = queue.enqueue(new("hello", priority=Priority.BATCH, timeout=7.5, metadata={"a": [1, None]}))

    prompt = accepted.prompt
    assert (prompt.status, prompt.outcome, prompt.error) == (Status.QUEUED, None, None)
    assert (prompt.priority, prompt.timeout, prompt.metadata) == (Priority.BATCH, 7.5, {"a": [1, None]})
    assert (prompt.attempt, prompt.failures, prompt.tokens, prompt.overdue) == (0, 0, None, False)
    assert (prompt.created_at, prompt.started_at, prompt.completed_at) == (clock.wall(), None, None)
    assert queue.get(prompt.id) == prompt
    assert queue.request(prompt.id) == {"prompt": "hello"}
    assert not accepted.replayed


def test_an_id_is_a_random_uuid(ask):
    prompt_id = ask()

    assert uuid.UUID(prompt_id).version == 4
    assert str(uuid.UUID(prompt_id)) == prompt_id


def test_metadata_may_be_empty_and_is_not_the_same_as_none(queue):
    empty, none = queue.enqueue(new(metadata={}), new())

    assert queue.get(empty.prompt.id).metadata == {}
    assert queue.get(none.prompt.id).metadata is None


def test_prompts_enqueued_together_stand_in_the_order_given(queue):
    accepted = queue.enqueue(*(new(str(n)) for n in range(5)))

    assert [one.position for one in accepted] == [1, 2, 3, 4, 5]
    assert [queue.position(one.prompt.id) for one in accepted] == [1, 2, 3, 4, 5]
    assert [queue.request(one.prompt.id)["prompt"] for one in accepted] == list("01234")


def test_enqueueing_nothing_is_nothing(queue):
    assert queue.enqueue() == []
    assert queue.counts().queued == 0


def test_the_place_told_at_once_is_the_place_in_line(queue):
    queue.enqueue(new(priority=Priority.BATCH), new())

    interactive, batch = queue.enqueue(new(), new(priority=Priority.BATCH))

    assert interactive.position == queue.position(interactive.prompt.id) == 2
    assert batch.position == queue.position(batch.prompt.id) == 4


def test_all_are_accepted_or_none(queue):
    key = Idempotency(key="k", fingerprint="one")
    queue.enqueue(new(idempotency=key))

    with pytest.raises(IdempotencyConflict):
        queue.enqueue(new(), new(), new(idempotency=Idempotency(key="k", fingerprint="two")))

    assert queue.counts().queued == len(queue.newest().prompts) == 1


def test_all_become_visible_in_one_commit(queue, another):
    with queue.transaction():
        queue.enqueue(new(), new())
        assert another.counts().queued == 0

    assert another.counts().queued == 2


# ---- full ------------------------------------------------------------------------------------------------------------


def test_a_queue_that_would_hold_more_than_it_may_is_full_whatever_the_lanes(queue):
    queue.enqueue(new(priority=Priority.BATCH), new(), max_queued=2)

    with pytest.raises(QueueFull, match=r"2 prompts wait, and 2 may\.$"):
        queue.enqueue(new(), max_queued=2)

    assert queue.counts().queued == 2


def test_prompts_together_that_would_overfill_the_queue_are_all_refused(queue, ask):
    ask()

    with pytest.raises(QueueFull):
        queue.enqueue(new(), new(), max_queued=2)

    assert queue.counts().queued == 1


def test_only_waiting_prompts_fill_the_queue(queue, terms, answered):
    queue.enqueue(new(), new(), max_queued=2)
    queue.finish(queue.claim(terms), answered)
    queue.claim(terms)

    accepted = queue.enqueue(new(), new(), max_queued=2)

    assert len(accepted) == 2


@pytest.mark.parametrize("bound", [{"max_stored_bytes": 1}, {"min_free_bytes": 2**60}], ids="".join)
def test_where_there_is_no_room_submissions_are_refused_and_all_else_goes_on(queue, backend, begin, answered, bound):
    if "min_free_bytes" in bound and not backend.knows_its_disk:
        pytest.skip("the queue's disk is another machine's")
    claim = begin()

    with pytest.raises(StorageFull):
        queue.enqueue(new(), **bound)

    assert queue.counts().queued == 0
    assert queue.finish(claim, answered).outcome is Outcome.SUCCEEDED


# ---- texts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_texts_come_back_as_they_were(queue, text):
    [accepted] = queue.enqueue(new(text, metadata={"text": text}))

    assert queue.request(accepted.prompt.id) == {"prompt": text}
    assert queue.get(accepted.prompt.id).metadata == {"text": text}


def test_a_lone_surrogate_becomes_the_replacement_character(queue):
    [accepted] = queue.enqueue(new("a\ud83cb", metadata={"\udc00": "\udfff"}))

    assert queue.request(accepted.prompt.id) == {"prompt": "a\ufffdb"}
    assert queue.get(accepted.prompt.id).metadata == {"\ufffd": "\ufffd"}


def test_a_request_keeps_the_order_and_types_of_its_fields(queue):
    request = {"z": 1, "a": {"deep": [True, None, 1.5, 10**18]}, "options": {"seed": -1}}

    [accepted] = queue.enqueue(NewPrompt(request=request))

    assert list(queue.request(accepted.prompt.id).items()) == list(request.items())
