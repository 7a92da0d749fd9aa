import pytest
from promptqueue.errors import ClaimLost
from promptqueue.prompt import Answered, Failed


def test_text_is_appended_at_its_offset(queue, ask, terms):
    prompt_id = ask()
    claim = queue.claim(terms)

    for offset, text in [(0, "a"), (1, "🌍ü"), (3, "b")]:
        queue.write(claim, text, offset=offset, tokens=offset + 1)

    assert queue.partial(prompt_id) == "a🌍üb"
    assert queue.get(prompt_id).tokens == 4


def test_offsets_are_numbers_and_not_words(queue, ask, terms):
    prompt_id = ask()
    claim = queue.claim(terms)

    for n in range(12):
        queue.write(claim, f"{n:x}", offset=n, tokens=n)

    assert queue.partial(prompt_id) == "0123456789ab"


def test_writing_renews_the_claim(queue, ask, hire, clock):
    ask()
    claim = queue.claim(hire(lease_seconds=15).terms)

    clock.advance(14)
    queue.write(claim, "a", offset=0, tokens=1)
    clock.advance(14)

    assert queue.recover().total == 0


def test_a_lost_claim_writes_nothing(queue, another, ask, hire, clock):
    prompt_id = ask()
    claim = queue.claim(hire(lease_seconds=15).terms)
    queue.write(claim, "a", offset=0, tokens=1)
    clock.advance(15)
    another.recover()

    with pytest.raises(ClaimLost):
        queue.write(claim, "b", offset=1, tokens=2)

    assert queue.partial(prompt_id) == "a"
    assert queue.get(prompt_id).tokens is None


def test_a_stale_claim_cannot_write_into_a_newer_attempt(queue, ask, hire, clock):
    prompt_id = ask()
    stale = queue.claim(hire(lease_seconds=15).terms)
    clock.advance(15)
    queue.recover()
    queue.write(queue.claim(hire().terms), "new", offset=0, tokens=1)

    with pytest.raises(ClaimLost):
        queue.write(stale, "old", offset=0, tokens=9)

    assert queue.partial(prompt_id) == "new"
    assert queue.get(prompt_id).tokens == 1


def test_the_text_of_a_failed_attempt_stays_until_the_next_one_has_text(queue, ask, hire):
    prompt_id = ask()
    terms = hire().terms
    first = queue.claim(terms)
    queue.write(first, "first ", offset=0, tokens=1)
    queue.write(first, "attempt", offset=6, tokens=2)
    seen = []

    queue.finish(first, Failed(cause="reset"))
    seen.append(queue.partial(prompt_id))
    second = queue.claim(terms)
    seen.append(queue.partial(prompt_id))
    queue.write(second, "second", offset=0, tokens=1)
    seen.append(queue.partial(prompt_id))

    assert seen == ["first attempt", "first attempt", "second"]


def test_no_text_is_not_the_first_text_of_an_attempt(queue, ask, terms):
    prompt_id = ask()
    first = queue.claim(terms)
    queue.write(first, "first", offset=0, tokens=1)
    queue.finish(first, Failed(cause="reset"))
    second = queue.claim(terms)

    queue.write(second, "", offset=0, tokens=1)
    before = queue.partial(prompt_id)
    queue.write(second, "second", offset=0, tokens=2)

    assert (before, queue.partial(prompt_id)) == ("first", "second")


def test_no_text_still_renews_and_counts(queue, ask, hire, clock):
    prompt_id = ask()
    claim = queue.claim(hire(lease_seconds=15).terms)
    clock.advance(14)

    queue.write(claim, "", offset=0, tokens=5)
    clock.advance(14)

    assert queue.recover().total == 0
    assert queue.get(prompt_id).tokens == 5


@pytest.mark.parametrize("text", ["\0", "a\0b", "🌍\u2028", "x" * 1_000_000], ids=["nul", "in", "wide", "long"])
def test_texts_come_back_as_they_were(queue, ask, terms, text):
    prompt_id = ask()

    queue.write(queue.claim(terms), text, offset=0, tokens=1)

    assert queue.partial(prompt_id) == text


def test_a_lone_surrogate_becomes_one_character_so_that_offsets_hold(queue, ask, terms):
    prompt_id = ask()
    claim = queue.claim(terms)

    queue.write(claim, "a\ud83c", offset=0, tokens=1)
    queue.write(claim, "b", offset=2, tokens=2)

    assert queue.partial(prompt_id) == "a\ufffdb"


def test_a_write_leaves_the_next_commit_waiting_for_the_disk(queue, ask, terms, synchronous):
    ask()

    queue.write(queue.claim(terms), "a", offset=0, tokens=1)

    assert synchronous() == 2


def test_a_write_need_not_wait_for_the_disk_where_the_log_allows_it(queue, ask, terms, journal, synchronous):
    ask()
    claim, seen = queue.claim(terms), []
    queue._clock.monotonic = lambda: seen.append(synchronous()) or 1_000.0

    queue.write(claim, "a", offset=0, tokens=1)

    assert seen == [1 if journal == "wal" else 2]  # NORMAL; a rollback journal needs FULL, or it can corrupt


def test_the_answer_counts_its_own_tokens(queue, ask, terms):
    prompt_id = ask()
    claim = queue.claim(terms)
    queue.write(claim, "a", offset=0, tokens=5)

    queue.finish(claim, Answered(record={}, tokens=7))

    assert queue.get(prompt_id).tokens == 7
