"""request, answer and partial: a prompt's texts."""

import pytest
from promptqueue.errors import PromptNotFound
from promptqueue.notes import Text
from promptqueue.prompt import Answered, ErrorCode, Failed

UNKNOWN = "7d444840-9dc0-11d1-b245-5ffdce74fad2"


def test_the_request_of_an_unknown_prompt_is_not_found(queue):
    with pytest.raises(PromptNotFound):
        queue.request(UNKNOWN)


def test_the_request_can_be_read_for_as_long_as_the_prompt_exists(queue, ask, terms, answered):
    prompt_id = ask("hello")
    queue.finish(queue.claim(terms), answered)

    assert queue.request(prompt_id) == {"prompt": "hello"}


def test_the_answer_of_an_unknown_prompt_is_not_found(queue):
    with pytest.raises(PromptNotFound):
        queue.answer(UNKNOWN)


def test_the_answer_is_the_model_servers_own_record(queue, ask, terms):
    prompt_id = ask()
    record = {"model": "llama3.2", "response": "yes\0\n🌍", "done": True, "total_duration": 5_000_000_000}

    queue.finish(queue.claim(terms), Answered(record=record, tokens=1))

    assert queue.answer(prompt_id) == record


def test_there_is_no_answer_before_a_prompt_has_succeeded(queue, ask, terms):
    prompt_id = ask()
    queued = queue.answer(prompt_id)
    claim = queue.claim(terms)
    queue.write(claim, "ye", offset=0, tokens=1)

    assert queued is None
    assert queue.answer(prompt_id) is None


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


def test_an_answer_with_lone_surrogates_is_kept_with_replacement_characters(queue, ask, terms):
    prompt_id = ask()

    queue.finish(queue.claim(terms), Answered(record={"response": "a\udc80"}, tokens=1))

    assert queue.answer(prompt_id) == {"response": "a\ufffd"}


def test_an_answer_of_a_megabyte_comes_back_whole(queue, ask, terms):
    prompt_id, text = ask(), "ü" * 1_000_000

    queue.finish(queue.claim(terms), Answered(record={"response": text}, tokens=1))

    assert queue.answer(prompt_id) == {"response": text}


def test_the_partial_text_is_what_has_come_so_far(queue, ask, terms):
    prompt_id = ask()
    claim = queue.claim(terms)
    before = queue.partial(prompt_id)

    queue.write(claim, "Ray", offset=0, tokens=1)
    queue.write(claim, "leigh", offset=3, tokens=2)

    assert before == ""
    assert queue.partial(prompt_id) == "Rayleigh"


def test_an_unknown_prompt_has_no_partial_text(queue):
    assert queue.partial(UNKNOWN) == ""


@pytest.mark.parametrize("end", ["failed", "cancelled", "timed out", "given up"])
def test_the_text_that_had_come_outlives_an_end_without_an_answer(queue, ask, hire, clock, end):
    worker = hire(max_failures=1)
    prompt_id = ask(timeout=5)
    claim = queue.claim(worker.terms)
    queue.write(claim, "Ray", offset=0, tokens=1)

    match end:
        case "failed":
            queue.finish(claim, Failed(cause="no", code=ErrorCode.MODEL_REFUSED))
        case "cancelled":
            queue.cancel(prompt_id)
        case "timed out":
            clock.advance(6)
            queue.recover()
        case "given up":
            worker.die()
            queue.recover()

    assert queue.get(prompt_id).status == "completed"
    assert queue.partial(prompt_id) == "Ray"


def test_a_succeeded_prompt_keeps_its_text_once_in_the_answer(queue, ask, terms, answered):
    prompt_id = ask()
    claim = queue.claim(terms)
    queue.write(claim, "Rayleigh.", offset=0, tokens=3)

    queue.finish(claim, answered)

    assert queue.partial(prompt_id) == ""


def test_the_text_comes_with_its_attempt(queue, ask, hire, answered):
    prompt_id = ask()
    terms = hire().terms
    before = queue.text(prompt_id)
    first = queue.claim(terms)
    queue.write(first, "fir", offset=0, tokens=1)
    queue.write(first, "st", offset=3, tokens=2)
    queue.finish(first, Failed(cause="reset"))
    second = queue.claim(terms)
    of_first = queue.text(prompt_id)
    queue.write(second, "second", offset=0, tokens=1)
    of_second = queue.text(prompt_id)
    queue.finish(second, answered)

    assert (before, queue.text(prompt_id), queue.text(UNKNOWN)) == (None, None, None)
    assert of_first == Text(prompt_id, 1, 0, "first")
    assert of_second == Text(prompt_id, 2, 0, "second")
