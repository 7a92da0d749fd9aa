"""enqueue with an Idempotency-Key: what was accepted once is not accepted again."""

import pytest
from promptqueue.errors import IdempotencyConflict, PromptDeleted, QueueFull
from promptqueue.prompt import Idempotency, NewPrompt, Outcome, Status

DAY = 24 * 3600.0


@pytest.fixture
def send(queue):
    """Submit with a key; what came of it."""

    def send_one(key="k", fingerprint="f", **bounds):
        idempotency = Idempotency(key=key, fingerprint=fingerprint)
        return queue.enqueue(NewPrompt(request={}, idempotency=idempotency), **bounds)[0]

    return send_one


def test_a_known_key_gives_the_first_prompt_back(queue, send):
    first, again = send(), send()

    assert again.prompt == first.prompt
    assert (again.replayed, again.position, queue.counts().queued) == (True, 1, 1)


@pytest.mark.parametrize("bound", [{"max_queued": 1}, {"max_stored_bytes": 1, "min_free_bytes": 2**60}])
def test_a_known_key_is_replayed_however_full_the_queue_is(send, bound):
    first, again = send(), send(**bound)

    assert again.replayed
    assert again.prompt.id == first.prompt.id


def test_a_replay_shows_where_the_prompt_stands_now(queue, send, terms, answered):
    send()

    claim = queue.claim(terms)
    while_processing = send()
    queue.finish(claim, answered)
    when_completed = send()

    assert (while_processing.prompt.status, while_processing.position) == (Status.PROCESSING, None)
    assert (when_completed.prompt.outcome, when_completed.position) == (Outcome.SUCCEEDED, None)


def test_a_key_twice_in_one_call_is_one_prompt(queue):
    new = NewPrompt(request={}, idempotency=Idempotency(key="k", fingerprint="f"))

    first, second = queue.enqueue(new, new)

    assert first.prompt.id == second.prompt.id
    assert (first.replayed, second.replayed) == (False, True)


def test_a_key_with_another_body_conflicts(send):
    send(fingerprint="one")

    with pytest.raises(IdempotencyConflict):
        send(fingerprint="two")


def test_other_keys_do_not_meet(send):
    assert send("k").prompt.id != send("K").prompt.id


def test_each_owner_has_its_own_keys(queue):
    sent = [
        NewPrompt(request={}, idempotency=Idempotency(key=key, fingerprint="f"), owner=owner)
        for owner, key in [(0, "k"), (1, "k"), (2, "k"), (12, "k"), (1, "2k"), (0, "12k")]
    ]
    other = Idempotency(key="k", fingerprint="of another body")

    first, again = ([queue.enqueue(new)[0].prompt.id for new in sent] for _ in range(2))

    assert again == first
    assert len({*first}) == len(sent)
    with pytest.raises(IdempotencyConflict):
        queue.enqueue(NewPrompt(request={}, idempotency=other, owner=1))


def test_a_key_twice_in_one_call_with_two_bodies_conflicts_and_spoils_no_other_verb(queue, ask):
    new = [NewPrompt(request={}, idempotency=Idempotency(key="k", fingerprint=body)) for body in "ab"]

    with queue.transaction():
        ask()
        with pytest.raises(IdempotencyConflict):
            queue.enqueue(*new)

    assert queue.counts().queued == 1


@pytest.mark.parametrize("how", ["deleted", "pruned"])
def test_the_key_of_a_prompt_that_is_gone_stays_known(queue, send, terms, answered, clock, how):
    prompt_id = send().prompt.id
    if how == "deleted":
        queue.delete(prompt_id)
    else:
        queue.finish(queue.claim(terms), answered)
        clock.advance(10)
        queue.prune(older_than=5)

    for fingerprint in ("of another body", "f"):
        with pytest.raises(PromptDeleted):
            send(fingerprint=fingerprint)


def test_a_key_is_known_for_just_under_a_day(send, clock):
    first = send()
    clock.advance(DAY - 1)

    assert send().prompt.id == first.prompt.id


def test_a_key_is_free_again_after_a_day(send, clock):
    first = send(fingerprint="one")
    clock.advance(DAY)

    fresh, replay = send(fingerprint="two"), send(fingerprint="two")

    assert not fresh.replayed
    assert fresh.prompt.id != first.prompt.id
    assert replay.prompt.id == fresh.prompt.id


def test_a_key_is_known_for_as_long_as_a_clock_that_was_set_is_doubted(queue, send, clock):
    first = send()
    queue.agreement()

    clock.step_wall(31 * DAY)
    before_anybody_looked = send()
    queue.agreement()
    afterwards = send()
    clock.advance(DAY)
    believed = send()

    assert [before_anybody_looked.prompt.id, afterwards.prompt.id] == [first.prompt.id] * 2
    assert (believed.replayed, believed.prompt.id == first.prompt.id) == (False, False)


def test_the_key_of_a_refused_prompt_is_not_taken(send):
    with pytest.raises(QueueFull):
        send(max_queued=0)

    assert not send(fingerprint="another").replayed


def test_a_replay_sees_what_another_instance_accepted(another, send):
    [first] = another.enqueue(NewPrompt(request={}, idempotency=Idempotency(key="k", fingerprint="f")))

    assert send().prompt.id == first.prompt.id


def test_keys_that_go_do_not_count_as_prompts(queue, send, clock):
    send()
    clock.advance(2 * DAY)

    assert queue.prune(older_than=10 * DAY) == 0
