"""A reader that comes back with a Last-Event-ID goes on where it was: nothing is lost, and nothing sent twice."""

import pytest
from promptqueue.prompt import Failed


def test_from_any_place_a_reader_gets_the_rest_and_nothing_twice(read, finished, path_of, text):
    for offset in range(len(text)):
        _, (last, kind, _) = events = read(path_of(finished), f"1-{offset}")

        assert events[0] == (f"1-{len(text)}", "token", {"attempt": 1, "text": text[offset:]})
        assert (last, kind) == (f"1-{len(text)}-end", "completed")


def test_a_reader_who_comes_back_in_mid_answer_does_not_hear_again_that_it_runs(submit, worker, followed, until):
    prompt_id = submit()
    claim = worker.claim()
    worker.queue.write(claim, "abc", offset=0, tokens=3)
    whole = followed(prompt_id)
    until(lambda: whole.text == "abc")

    rest = followed(prompt_id, Last_Event_ID=whole.events[-1].id)
    worker.finish(claim, {"response": "abcdef", "done": True})

    assert [event.kind for event in rest.end()] == ["comment", "token", "completed"]
    assert rest.text == "def"


def test_a_reader_who_lacks_the_end_alone_gets_it_alone(read, finished, path_of, text):
    assert [kind for _, kind, _ in read(path_of(finished), f"1-{len(text)}")] == ["completed"]


def test_a_reader_who_has_the_end_is_told_not_to_come_back(client, finished, path_of, text):
    answer = client.get(path_of(finished), headers={"Last-Event-ID": f"1-{len(text)}-end"})

    assert (answer.status_code, answer.data) == (204, b"")


def test_a_reader_of_an_older_attempt_gets_the_newer_one_from_its_beginning(read, submit, worker, path_of):
    prompt_id = submit()
    claim = worker.claim()
    worker.queue.write(claim, "first try", offset=0, tokens=1)
    worker.queue.finish(claim, Failed(cause="reset"))
    worker.answer({"response": "second", "done": True})

    assert read(path_of(prompt_id), "1-9")[0] == ("2-6", "token", {"attempt": 2, "text": "second"})


def test_a_reader_who_cannot_send_a_header_says_by_the_address_where_it_was(client, read, finished, path_of, text):
    here = path_of(finished)

    assert read(f"{here}?lastEventId=1-5") == read(here, "1-5")
    assert client.get(f"{here}?lastEventId=1-{len(text)}-end").status_code == 204
    assert client.get(f"/api/v1/events?id={finished}&lastEventId={finished[:8]}-end").status_code == 204


def test_the_header_counts_more_than_the_address_that_a_polyfill_keeps(read, finished, path_of):
    here = path_of(finished)

    assert read(f"{here}?lastEventId=1-2", "1-5") == read(here, "1-5")
    assert read(f"{here}?lastEventId=1-5", "") == read(here, "1-5")


@pytest.mark.parametrize(
    "garbage", ["", "x", "1", "1-", "-1", "1-2-3", "1-2-END", "1.5-2", " 1-2", "\u0661-\u0662", "9-0", "9" * 40 + "-1"]
)
def test_garbage_is_taken_for_no_last_event_id(client, finished, garbage, path_of):
    plain = client.get(path_of(finished)).data

    assert client.get(path_of(finished), headers={"Last-Event-ID": garbage}).data == plain


def test_an_end_that_has_not_come_is_taken_for_no_last_event_id(submit, followed):
    assert followed(submit(), Last_Event_ID="0-0-end").kinds == ["status"]


def test_a_reader_who_knows_more_than_was_stored_gets_nothing_twice(submit, worker, followed, until):
    """It heard live text; then the proxy was started anew, and only the database knows what had come."""
    prompt_id = submit()
    claim = worker.claim()
    worker.queue.write(claim, "abc", offset=0, tokens=1)

    one = followed(prompt_id, Last_Event_ID="1-5")
    worker.speak(claim, "f", offset=5)
    worker.queue.write(claim, "def", offset=3, tokens=2)
    until(lambda: one.text)
    worker.speak(claim, "g", offset=6)
    until(lambda: one.text == "fg")
    worker.finish(claim, {"response": "abcdefg", "done": True})

    assert one.end()[-1].id == "1-7-end"
    assert one.text == "fg"


def test_whoever_comes_in_mid_answer_gets_what_was_written_and_then_what_is_said(submit, worker, followed, until):
    prompt_id = submit()
    early = followed(prompt_id)
    claim = worker.claim()
    worker.speak(claim, "a", "b", write=True)
    worker.speak(claim, "c", offset=2)
    until(lambda: early.text == "abc")

    late = followed(prompt_id)

    until(lambda: late.text == "abc")  # what is known to this process need not be written first
    worker.speak(claim, "d", offset=3)
    until(lambda: (early.text, late.text) == ("abcd", "abcd"))


def test_whoever_comes_in_just_after_the_first_words_gets_them_before_they_are_written(
    unwoken, submit, worker, followed, until
):
    submit()
    prompt_id = submit()
    worker.answer()
    other = followed(submit())  # so that this process listens
    claim = worker.claim()
    worker.speak(claim, "Why", ", ")
    until(lambda: other.positions[-1] == 1)

    late = followed(prompt_id)
    worker.speak(claim, "indeed", offset=5)

    until(lambda: late.text == "Why, indeed")
