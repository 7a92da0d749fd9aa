"""enqueue, retry, holdings: what an owner has, and that it gets no more than it may."""

import pytest
from promptqueue.errors import QuotaExceeded
from promptqueue.owners.key import Role, new_key
from promptqueue.owners.owner import EVERYBODY, PAGES, Holdings
from promptqueue.prompt import Answered, NewPrompt, Origin, Priority

DAY = 24 * 3600.0
HALF_A_DAY = DAY - 1_700_000_000 % DAY  # from where the clock begins to the next midnight, UTC


@pytest.fixture
def anna(queue):
    """The number of an owner who has a key."""
    return queue.add_key(new_key(), owner="anna", role=Role.USER).owner.number


def new(owner, text="hello", **values):
    return NewPrompt(request={"prompt": text}, owner=owner, **values)


def size(text="hello"):
    return len(f'{{"prompt":"{text}"}}'.encode())


# ---- prompts that wait -----------------------------------------------------------------------------------------------


def test_an_owner_has_no_more_prompts_waiting_than_it_may_whatever_the_lanes(queue, anna):
    queue.enqueue(new(anna, priority=Priority.BATCH), new(anna), max_waiting=2)

    with pytest.raises(QuotaExceeded, match=r"^Of your prompts 2 wait, and 2 may: ") as refused:
        queue.enqueue(new(anna), max_waiting=2)

    assert (refused.value.limit, refused.value.retry_after) == ("waiting", None)
    assert queue.holdings(anna).waiting == queue.counts().queued == 2


def test_prompts_together_that_would_be_too_many_are_all_refused_and_spoil_no_other_verb(queue, anna):
    with queue.transaction():
        queue.enqueue(new(anna))
        with pytest.raises(QuotaExceeded):
            queue.enqueue(new(EVERYBODY), new(anna), new(anna), max_waiting=2)

    assert queue.counts().queued == 1


def test_what_others_have_waiting_counts_for_them_alone(queue, anna):
    queue.enqueue(*[new(EVERYBODY)] * 3, *[new(PAGES)] * 2)

    queue.enqueue(new(anna), max_waiting=1)

    assert [queue.holdings(each).waiting for each in (EVERYBODY, PAGES, anna)] == [3, 2, 1]


@pytest.mark.parametrize("how", ["claim", "cancel", "delete", "expire"])
def test_a_prompt_that_waits_no_more_makes_room_for_another(queue, anna, terms, clock, how):
    [asked] = queue.enqueue(new(anna, expires_in=5.0))
    match how:
        case "claim":
            queue.claim(terms)
        case "cancel":
            queue.cancel(asked.prompt.id)
        case "delete":
            queue.delete(asked.prompt.id)
        case "expire":
            clock.advance(5)
            queue.recover()

    assert queue.enqueue(new(anna), max_waiting=1)


def test_a_retry_counts_as_waiting_again_and_is_refused_beyond_what_may(queue, anna):
    [first] = queue.enqueue(new(anna))
    queue.cancel(first.prompt.id)
    queue.enqueue(new(anna))

    with pytest.raises(QuotaExceeded):
        queue.retry(first.prompt.id, max_waiting=1)
    refused = queue.holdings(anna).waiting
    queue.retry(first.prompt.id, max_waiting=2)

    assert (refused, queue.holdings(anna).waiting) == (1, 2)


def test_what_runs_is_had_while_it_runs(queue, anna, terms, answered):
    queue.enqueue(new(anna), new(anna))
    claim = queue.claim(terms)
    before = queue.holdings(anna)
    queue.release(claim)
    given_back = queue.holdings(anna)
    queue.finish(queue.claim(terms), answered)

    assert [each.running for each in (before, given_back, queue.holdings(anna))] == [1, 0, 0]
    assert [each.waiting for each in (before, given_back, queue.holdings(anna))] == [1, 2, 1]


# ---- bytes -----------------------------------------------------------------------------------------------------------


def test_requests_and_answers_are_an_owners_bytes_until_they_are_erased(queue, anna, terms):
    answer = {"response": "Größe"}
    [asked] = queue.enqueue(new(anna, "ä"), new(EVERYBODY))[:1]
    waiting = queue.holdings(anna).stored_bytes
    queue.finish(queue.claim(terms), Answered(record=answer, tokens=1))
    queue.finish(queue.claim(terms), Answered(record=answer, tokens=1))
    answered = queue.holdings(anna).stored_bytes
    queue.delete(asked.prompt.id)

    assert (waiting, answered) == (size("ä"), size("ä") + len('{"response":"Größe"}'.encode()))
    assert queue.holdings(anna).stored_bytes == 0
    assert queue.holdings(EVERYBODY).stored_bytes > size()


def test_what_an_answer_repeats_of_the_request_counts_too(queue, anna):
    queue.enqueue(new(anna, origin=Origin(face="a", echo={"n": 1})))

    assert queue.holdings(anna).stored_bytes == size() + len('{"n":1}')


@pytest.mark.parametrize("how", ["prune", "erase_unrun"])
def test_what_care_erases_counts_no_more(queue, anna, clock, how):
    [asked] = queue.enqueue(new(anna))
    queue.cancel(asked.prompt.id)
    clock.advance(10)
    ended = queue.holdings(anna).stored_bytes

    getattr(queue, how)(older_than=5)

    assert (ended, queue.holdings(anna).stored_bytes) == (size(), 0)


def test_an_owner_stores_no_more_than_it_may(queue, anna):
    queue.enqueue(new(EVERYBODY, "x" * 1_000), new(anna), max_own_bytes=1_100)

    with pytest.raises(QuotaExceeded) as refused:
        queue.enqueue(new(anna), new(anna), max_own_bytes=3 * size() - 1)
    queue.enqueue(new(anna), new(anna), max_own_bytes=3 * size())

    assert (refused.value.limit, refused.value.retry_after) == ("stored_bytes", None)
    assert queue.holdings(anna).stored_bytes == 3 * size()


def test_a_retry_keeps_what_is_stored_and_is_refused_where_that_is_too_much(queue, anna):
    [asked] = queue.enqueue(new(anna))
    queue.cancel(asked.prompt.id)

    with pytest.raises(QuotaExceeded):
        queue.retry(asked.prompt.id, max_own_bytes=size() - 1)
    queue.retry(asked.prompt.id, max_own_bytes=size())

    assert queue.holdings(anna).stored_bytes == size()


# ---- tokens ----------------------------------------------------------------------------------------------------------


def test_tokens_of_a_day_are_bounded_until_midnight_utc(queue, anna, terms, clock):
    def ask():
        queue.enqueue(new(anna), max_tokens_a_day=10)
        return queue.finish(queue.claim(terms), Answered(record={}, tokens=6))

    ask(), ask()
    with pytest.raises(QuotaExceeded) as refused:
        ask()
    used = queue.holdings(anna).tokens_today
    clock.advance(refused.value.retry_after)

    assert (refused.value.limit, refused.value.retry_after, used) == ("tokens_a_day", HALF_A_DAY, 12)
    assert queue.holdings(anna).tokens_today == 0
    ask()


def test_what_the_model_wrote_until_a_cancel_or_delete_is_had(queue, anna, terms):
    def ask():
        [asked] = queue.enqueue(new(anna))
        queue.write(queue.claim(terms), "some words", offset=0, tokens=4)
        return asked.prompt.id

    queue.cancel(ask())
    queue.delete(ask())

    assert queue.holdings(anna).tokens_today == 8
    with pytest.raises(QuotaExceeded):
        queue.retry(queue.newest().prompts[0].id, max_tokens_a_day=8)


def test_nobody_has_nothing(queue, anna):
    assert queue.holdings(anna) == Holdings(waiting=0, running=0, stored_bytes=0, tokens_today=0)
    assert queue.holdings(99) == queue.holdings(anna)


def test_without_bounds_an_owner_may_have_any_number(queue, anna):
    queue.enqueue(*[new(anna)] * 5, max_waiting=None, max_own_bytes=None, max_tokens_a_day=None)

    assert queue.holdings(anna).waiting == 5
