"""request, write, partial, text and answer: what was asked, what has come so far, and what came of it."""

import pytest
from promptqueue.errors import PromptNotFound
from promptqueue.notes import Text
from promptqueue.prompt import Answered, ErrorCode, Failed

ODD_TEXTS = {"nul": "\0", "nul within": "a\0b", "wide": "🌍\u2028", "long": "ü" * 1_000_000}


@pytest.fixture
def write(queue):
    """Write pieces of text one after the other."""

    def write_all(claim, *pieces):
        for n, piece in enumerate(pieces):
            queue.write(claim, piece, offset=sum(map(len, pieces[:n])), tokens=n + 1)

    return write_all


def test_texts_of_an_unknown_prompt_are_not_found_or_none(queue, unknown):
    for verb in (queue.request, queue.answer):
        with pytest.raises(PromptNotFound):
            verb(unknown)
    assert (queue.partial(unknown), queue.text(unknown)) == ("", None)


def test_the_request_can_be_read_for_as_long_as_the_prompt_exists(queue, begin, answered):
    prompt = queue.finish(begin(text="hello"), answered)

    assert queue.request(prompt.id) == {"prompt": "hello"}


# ---- answers ---------------------------------------------------------------------------------------------------------


def test_the_answer_is_the_model_servers_own_record(queue, begin):
    record = {"model": "llama3.2", "response": "yes\0\n🌍", "done": True, "total_duration": 5_000_000_000}

    prompt = queue.finish(begin(), Answered(record=record, tokens=1))

    assert queue.answer(prompt.id) == record


def test_there_is_no_answer_before_a_prompt_has_succeeded(queue, ask, terms, write):
    prompt_id = ask()
    queued = queue.answer(prompt_id)
    write(queue.claim(terms), "ye")

    assert (queued, queue.answer(prompt_id)) == (None, None)


@pytest.mark.parametrize("end", ["failed", "cancelled", "expired"])
def test_there_is_never_an_answer_of_a_prompt_that_did_not_succeed(queue, ask, terms, clock, end):
    prompt_id = ask(expires_in=10)
    match end:
        case "failed":
            queue.finish(queue.claim(terms), Failed(cause="no", code=ErrorCode.MODEL_REFUSED))
        case "cancelled":
            queue.cancel(prompt_id)
        case "expired":
            clock.advance(10)
            queue.recover()

    assert queue.get(prompt_id).outcome == end
    assert queue.answer(prompt_id) is None


def test_an_answer_with_lone_surrogates_is_kept_with_replacement_characters(queue, begin):
    prompt = queue.finish(begin(), Answered(record={"response": "a\udc80"}, tokens=1))

    assert queue.answer(prompt.id) == {"response": "a\ufffd"}


# ---- what has come so far --------------------------------------------------------------------------------------------


def test_text_is_appended_at_its_offset(queue, begin, write):
    claim = begin()
    before = queue.partial(claim.prompt.id)

    write(claim, "a", "🌍ü", *"0123456789b")

    assert (before, queue.partial(claim.prompt.id)) == ("", "a🌍ü0123456789b")
    assert queue.get(claim.prompt.id).tokens == 13


@pytest.mark.parametrize("text", ["a", ""])
def test_writing_renews_the_claim_and_counts_though_there_is_no_text(queue, begin, clock, text):
    claim = begin()

    clock.advance(14)
    queue.write(claim, text, offset=0, tokens=5)
    clock.advance(14)

    assert queue.recover().total == 0
    assert queue.get(claim.prompt.id).tokens == 5


def test_the_text_of_a_failed_attempt_stays_until_the_next_one_has_some(queue, begin, terms, write, answered):
    first = begin()
    prompt_id, seen = first.prompt.id, [queue.text(first.prompt.id)]
    write(first, "fir", "st")
    queue.finish(first, Failed(cause="reset"))
    second = queue.claim(terms)
    write(second, "")
    seen.append(queue.text(prompt_id))
    write(second, "second")
    seen.append(queue.text(prompt_id))
    queue.finish(second, answered)

    assert seen == [None, Text(prompt_id, 1, 0, "first"), Text(prompt_id, 2, 0, "second")]
    assert (queue.text(prompt_id), queue.partial(prompt_id)) == (None, "")  # the answer has it


@pytest.mark.parametrize("end", ["released", "failed", "cancelled", "timed out", "given up"])
def test_the_text_that_had_come_outlives_an_end_without_an_answer(queue, begin, hire, write, clock, end):
    worker = hire(max_failures=1)
    claim = begin(worker.terms, timeout=5)
    write(claim, "Ray")

    match end:
        case "released":
            queue.release(claim)
        case "failed":
            queue.finish(claim, Failed(cause="no", code=ErrorCode.MODEL_REFUSED))
        case "cancelled":
            queue.cancel(claim.prompt.id)
        case "timed out":
            clock.advance(6)
            queue.recover()
        case "given up":
            worker.die()
            queue.recover()

    assert queue.get(claim.prompt.id).status == ("queued" if end == "released" else "completed")
    assert queue.partial(claim.prompt.id) == "Ray"


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_texts_come_back_as_they_were(queue, begin, write, text):
    claim = begin()

    write(claim, text)
    partial = queue.partial(claim.prompt.id)
    queue.finish(claim, Answered(record={"response": text}, tokens=1))

    assert partial == text
    assert queue.answer(claim.prompt.id) == {"response": text}


def test_a_lone_surrogate_becomes_one_character_so_that_offsets_hold(queue, begin, write):
    claim = begin()

    write(claim, "a\ud83c", "b")

    assert queue.partial(claim.prompt.id) == "a\ufffdb"
