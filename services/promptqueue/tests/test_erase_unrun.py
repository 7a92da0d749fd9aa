"""erase_unrun: what never ran is not kept for a month, only that it was there."""

import pytest
from promptqueue.errors import NotRetryable

HOUR = 3600.0


@pytest.fixture
def secret(ask):
    return lambda **values: ask("sesame " * 500, **values)


def test_the_text_of_what_expired_or_was_cancelled_in_line_is_erased_and_its_row_stays(
    queue, storage, secret, clock, stored_bytes
):
    expired, cancelled = secret(expires_in=1), secret()
    queue.cancel(cancelled)
    clock.advance(2)
    queue.recover()
    before = [queue.get(expired), queue.get(cancelled)]
    clock.advance(HOUR + 1)

    erased = queue.erase_unrun(older_than=HOUR)
    storage.tidy()

    assert erased == 2
    assert [queue.get(expired), queue.get(cancelled)] == before
    assert (queue.request(expired), queue.request(cancelled)) == (None, None)
    assert b"sesame" not in stored_bytes()
    assert queue.erase_unrun(older_than=HOUR) == 0


def test_what_ran_or_may_run_or_ended_just_now_keeps_its_text(queue, secret, terms, answered, clock):
    ran = secret()
    queue.finish(queue.claim(terms), answered)
    given_back = secret()
    queue.release(queue.claim(terms))
    queue.cancel(given_back)
    waiting = secret()
    clock.advance(HOUR + 1)
    just_now = secret()
    queue.cancel(just_now)

    assert queue.erase_unrun(older_than=HOUR) == 0
    assert all(queue.request(prompt_id) for prompt_id in (ran, given_back, waiting, just_now))


def test_what_was_queued_again_since_it_was_seen_keeps_its_text(queue, another, secret, clock, monkeypatch):
    prompt_id = secret()
    queue.cancel(prompt_id)
    clock.advance(HOUR + 1)
    seen = queue._database.brief_transaction

    def later():
        another.retry(prompt_id)
        return seen()

    monkeypatch.setattr(queue._database, "brief_transaction", later)

    assert queue.erase_unrun(older_than=HOUR) == 0
    assert queue.request(prompt_id)


def test_what_was_erased_cannot_be_tried_again_and_is_pruned_in_its_time(queue, secret, clock):
    prompt_id = secret()
    queue.cancel(prompt_id)
    clock.advance(HOUR + 1)
    queue.erase_unrun(older_than=HOUR)

    with pytest.raises(NotRetryable, match="its text was erased"):
        queue.retry(prompt_id)
    assert queue.prune(older_than=HOUR) == 1


def test_one_call_is_bounded_in_number_and_in_time(queue, secret, clock, monkeypatch):
    for _ in range(6):
        queue.cancel(secret())
    clock.advance(HOUR + 1)

    assert queue.erase_unrun(older_than=HOUR, limit=2) == 2
    monkeypatch.setattr("promptqueue.sqlite.verbs.retention.PRUNE_SECONDS", 0)
    assert queue.erase_unrun(older_than=HOUR) == 1


def test_nothing_is_written_where_there_is_nothing_to_erase(queue, another, secret):
    secret()
    version = another._database.run("PRAGMA data_version")[0][0]

    assert queue.erase_unrun(older_than=HOUR) == 0
    assert another._database.run("PRAGMA data_version")[0][0] == version
