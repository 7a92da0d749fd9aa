"""Prompts that are not to be kept: erased with their texts where the process that was to do it is gone."""

import pytest
from promptqueue.condition import Recovered
from promptqueue.errors import ClaimLost, PromptDeleted, PromptNotFound
from promptqueue.prompt import ErrorCode, Failed, Idempotency, NewPrompt, Origin, Outcome
from support.waiting import DEADLINE


@pytest.fixture
def unkept(ask, attend):
    """A prompt that is not to be kept comes through a face; its id and its holder."""

    def come_in(holder=None, **values):
        holder = holder or attend()
        origin = Origin(face="openai.responses", echo={}, fingerprint="f1", holder=holder.id, is_kept=False)
        return ask(origin=origin, **values), holder

    return come_in


@pytest.fixture
def a_minute_later(queue, clock):
    """Whoever has left is found gone, and for a minute nobody comes."""

    def wait():
        queue.recover()
        clock.advance(60)

    return wait


def test_that_a_prompt_is_not_to_be_kept_is_stored_with_its_hold(queue, another, unkept, attend):
    prompt_id, holder = unkept()
    before = another.origin(prompt_id)
    holder.leave()
    queue.reattach("openai.responses", "f1", holder=attend().id)
    given = another.origin(prompt_id)
    queue.let_go(prompt_id)

    assert (before.is_kept, given.is_kept, another.origin(prompt_id).is_kept) == (False, False, True)


def test_what_nobody_holds_is_kept(queue, ask):
    assert queue.origin(ask(origin=Origin(face="openai.responses", echo={}, is_kept=False))).is_kept


@pytest.mark.parametrize("status", ["queued", "processing"])
def test_what_is_open_is_cancelled_and_erased(queue, in_order, unkept, terms, a_minute_later, status):
    prompt_id, holder = unkept()
    if status == "processing":
        queue.write(queue.claim(terms), "Rayleigh", offset=0, tokens=1)
    holder.leave()
    a_minute_later()

    assert queue.is_behind()
    assert queue.settle(prompt_id).outcome is Outcome.CANCELLED
    assert queue.is_behind()
    assert queue.recover() == Recovered(erased=1)
    assert not queue.is_behind()
    in_order()
    for verb in (queue.get, queue.request, queue.origin):
        with pytest.raises(PromptNotFound):
            verb(prompt_id)


def test_one_look_cancels_and_erases(queue, in_order, unkept, a_minute_later):
    _, holder = unkept()
    holder.leave()
    a_minute_later()

    assert queue.recover() == Recovered(cancelled=1, erased=1)
    assert queue.recover() == Recovered()
    assert queue.counts().completed == 0
    in_order()


@pytest.mark.parametrize("how", ["answered", "refused", "cancelled"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_what_had_ended_is_erased_however_it_ended(
    queue, in_order, unkept, terms, answered, clock, a_minute_later, how, when
):
    def end():
        match how:
            case "answered":
                queue.finish(queue.claim(terms), answered)
            case "refused":
                queue.finish(queue.claim(terms), Failed(cause="no", code=ErrorCode.MODEL_REFUSED))
            case _:
                queue.cancel(prompt_id)

    prompt_id, holder = unkept()
    if when == "before":
        end()
    holder.leave()
    queue.recover()
    if when == "after":
        end()
    clock.advance(59.9)
    early = queue.recover()
    clock.advance(0.1)

    assert (early, queue.is_behind(), queue.recover()) == (Recovered(), True, Recovered(erased=1))
    in_order()
    with pytest.raises(PromptNotFound):
        queue.answer(prompt_id)


def test_what_ended_stays_as_long_as_its_holder_lives(queue, unkept, a_minute_later):
    prompt_id, _ = unkept()
    queue.cancel(prompt_id)
    for _ in range(2):
        a_minute_later()

    assert not queue.is_behind()
    assert queue.recover() == Recovered()
    assert queue.get(prompt_id).outcome is Outcome.CANCELLED


def test_what_somebody_came_for_in_time_stays_for_as_long_as_that_one_lives(
    queue, unkept, terms, answered, attend, clock, a_minute_later
):
    prompt_id, holder = unkept()
    queue.finish(queue.claim(terms), answered)
    holder.leave()
    queue.recover()
    clock.advance(59)
    second = attend()
    given = queue.reattach("openai.responses", "f1", holder=second.id)
    clock.advance(1)
    for _ in range(2):
        a_minute_later()
    still_there = queue.answer(prompt_id)
    second.leave()
    a_minute_later()

    assert (given.id, still_there) == (prompt_id, answered.record)
    assert queue.recover() == Recovered(erased=1)


def test_what_was_let_go_of_or_retried_is_not_erased(queue, unkept, a_minute_later):
    let_go, holder = unkept()
    retried, _ = unkept(holder)
    for prompt_id in (let_go, retried):
        queue.cancel(prompt_id)
    queue.let_go(let_go)
    queue.retry(retried)
    holder.leave()
    a_minute_later()

    assert queue.recover() == Recovered()
    assert [queue.get(prompt_id).status for prompt_id in (let_go, retried)] == ["completed", "queued"]


def test_only_what_is_not_to_be_kept_is_erased_and_only_of_the_gone(queue, unkept, ask, attend, a_minute_later):
    gone = attend()
    mine, of_another = unkept(gone)[0], unkept()[0]
    kept = ask(origin=Origin(face="openai.responses", echo={}, holder=gone.id))
    for prompt_id in (mine, kept, of_another):
        queue.cancel(prompt_id)
    gone.leave()
    a_minute_later()

    assert queue.recover() == Recovered(erased=1)
    assert {prompt.id for prompt in queue.newest().prompts} == {kept, of_another}


def test_whoever_comes_after_it_was_cancelled_is_not_given_it_though_it_is_not_erased_yet(
    queue, unkept, attend, a_minute_later
):
    prompt_id, holder = unkept()
    holder.leave()
    a_minute_later()
    queue.settle(prompt_id)

    assert queue.reattach("openai.responses", "f1", holder=attend().id) is None


def test_its_key_stays_known(queue, unkept, a_minute_later):
    key = Idempotency(key="k", fingerprint="body")
    _, holder = unkept(idempotency=key)
    holder.leave()
    a_minute_later()
    queue.recover()

    with pytest.raises(PromptDeleted):
        queue.enqueue(NewPrompt(request={}, idempotency=key))


def test_the_wall_clock_neither_erases_nor_keeps_it(queue, unkept, clock):
    prompt_id, holder = unkept()
    queue.cancel(prompt_id)
    holder.leave()
    queue.recover()

    clock.step_wall(3_600)
    before = queue.recover()
    clock.step_wall(-7_200)
    clock.advance(60)

    assert (before, queue.recover()) == (Recovered(), Recovered(erased=1))


def test_a_worker_that_still_runs_it_finds_its_claim_lost(queue, unkept, terms, answered, a_minute_later):
    _, holder = unkept()
    claim = queue.claim(terms)
    holder.leave()
    a_minute_later()
    queue.recover()

    with pytest.raises(ClaimLost):
        queue.finish(claim, answered)


def test_who_listens_to_it_hears_that_it_is_gone(queue, storage, unkept, a_minute_later):
    prompt_id, holder = unkept()
    queue.cancel(prompt_id)
    holder.leave()
    a_minute_later()

    with storage.listen() as listener, listener.subscribe(prompt_id) as own:
        queue.recover()
        assert own.wait(DEADLINE)
