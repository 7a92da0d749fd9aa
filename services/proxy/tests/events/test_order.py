"""GET /api/v1/prompt/{id}/events: what is sent, and in which order."""

import pytest
from promptqueue.prompt import ErrorCode, Failed
from proxy.live import following

UNKNOWN = "7d444840-9dc0-41d1-b245-5ffdce74fad2"


def test_a_prompt_is_followed_from_its_place_in_line_to_its_end(client, submit, worker, followed, until):
    submit()
    second = submit()
    one = followed(second)
    claim = worker.claim()
    until(lambda: one.positions == [2, 1])
    worker.finish(claim)
    claim = worker.claim()
    until(lambda: one.positions == [2, 1, None])
    for offset, piece in enumerate("abc"):
        worker.speak(claim, piece, offset=offset)
        until(lambda offset=offset: one.text == "abc"[: offset + 1])
    worker.finish(claim, {"response": "abc", "done": True})

    one.end()

    assert one.kinds == ["status", "status", "status", "token", "token", "token", "completed"]
    assert [event.id for event in one.events] == ["0-0", "0-0", "0-0", "1-1", "1-2", "1-3", "1-3-end"]
    assert [event.data for event in one.events if event.kind == "token"] == [
        {"attempt": 1, "text": piece} for piece in "abc"
    ]
    status = client.get(f"/api/v1/prompt/{second}/status").json
    assert one.events[-1].data == status
    assert one.events[0].data == {
        **status, "status": "queued", "position": 2, "outcome": None, "attempt": 0, "tokens": None, "started_at": None,
        "completed_at": None,
    }  # fmt: skip


def test_its_headers_say_that_it_is_live(client, finished, path_of):
    answer = client.get(path_of(finished), headers={"Origin": "https://example.com"})

    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["X-Prompt-Id"] == finished
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("prompt_id", [UNKNOWN, "nonsense", UNKNOWN[:-1]])
def test_an_unknown_prompt_is_not_found(client, prompt_id, path_of):
    answer = client.get(path_of(prompt_id))

    assert (answer.status_code, answer.json["error"]["code"]) == (404, "not_found")


def test_a_first_reader_of_a_finished_prompt_gets_it_all(read, client, finished, path_of, text):
    status = client.get(f"/api/v1/prompt/{finished}/status").json
    end = f"1-{len(text)}"

    assert read(path_of(finished)) == [
        ("0-0", "status", status),
        (end, "token", {"attempt": 1, "text": text}),
        (f"{end}-end", "completed", status),
    ]


def test_an_answer_without_text_has_no_tokens(read, submit, worker, path_of):
    prompt_id = submit()
    worker.answer({"response": "", "done": True})

    assert [kind for _, kind, _ in read(path_of(prompt_id))] == ["status", "completed"]


def test_the_text_of_a_chat_is_its_message(read, submit, worker, path_of):
    prompt_id = submit()
    worker.answer({"message": {"role": "assistant", "content": "Hello."}, "done": True})

    assert read(path_of(prompt_id))[1][2] == {"attempt": 1, "text": "Hello."}


def test_a_long_text_comes_in_pieces(read, submit, worker, path_of):
    prompt_id = submit()
    worker.answer({"response": "\U0001f30d" * 100_000, "done": True})

    tokens = [data["text"] for _, kind, data in read(path_of(prompt_id)) if kind == "token"]

    assert "".join(tokens) == "\U0001f30d" * 100_000
    assert max(map(len, tokens)) == following.LONGEST_PIECE


def test_a_failed_prompt_ends_after_the_text_that_had_come(read, submit, worker, path_of):
    prompt_id = submit()
    worker.fail(ErrorCode.TIMED_OUT, partial="It is")

    events = read(path_of(prompt_id))

    assert [kind for _, kind, _ in events] == ["status", "token", "completed"]
    assert events[1][2] == {"attempt": 1, "text": "It is"}
    assert events[2][2]["error"]["code"] == "timed_out"


def test_a_cancelled_prompt_ends_with_what_had_been_sent(client, submit, worker, followed, until, path_of):
    prompt_id = submit()
    one = followed(prompt_id)
    claim = worker.claim()
    worker.speak(claim, "It ", write=True)
    worker.speak(claim, "is", offset=3)  # and is lost, because nobody has written it
    until(lambda: one.text == "It is")

    client.post(f"/api/v1/prompt/{prompt_id}/cancel")

    assert one.end()[-1].data["outcome"] == "cancelled"
    assert one.text == "It is"
    assert client.get(path_of(prompt_id), headers={"Last-Event-ID": "1-5"}).text.count("event: ") == 1


def test_the_text_of_another_attempt_starts_anew(submit, worker, followed, until):
    prompt_id = submit()
    one = followed(prompt_id)
    claim = worker.claim()
    worker.speak(claim, "first try", write=True)
    until(lambda: one.text == "first try")
    worker.queue.finish(claim, Failed(cause="reset"))
    until(lambda: one.positions[-1:] == [1])
    claim = worker.claim()
    worker.speak(claim, "sec", "ond")
    until(lambda: one.text == "second")
    worker.finish(claim, {"response": "second", "done": True})

    one.end()

    assert one.text == "second"
    assert one.positions == [1, None, 1, None]
    assert [event.id for event in one.events if event.kind == "token"][-1] == "2-6"


def test_a_new_attempt_is_announced_before_its_text_though_nothing_said_so(
    submit, worker, followed, until, monkeypatch
):
    prompt_id = submit()
    one = followed(prompt_id)
    monkeypatch.setattr(worker.queue._database.files.sender, "changed", lambda _: None)
    claim = worker.claim()

    worker.speak(claim, "a")

    until(lambda: one.text == "a")
    assert [(event.kind, event.data["attempt"]) for event in one.events[1:]] == [("status", 1), ("token", 1)]


def test_a_deleted_prompt_ends_without_a_word(client, submit, worker, followed, until, path_of):
    prompt_id = submit()
    one = followed(prompt_id)
    worker.speak(worker.claim(), "a")
    until(lambda: one.text == "a")

    client.delete(f"/api/v1/prompt/{prompt_id}")

    one.end()
    assert "completed" not in one.kinds
    assert client.get(path_of(prompt_id), headers={"Last-Event-ID": "1-1"}).status_code == 404


def test_a_prompt_expires_before_its_reader_though_no_worker_lives(submit, followed):
    one = followed(submit(expires_in=0.3))

    assert one.end()[-1].data["outcome"] == "expired"


def test_a_prompt_whose_worker_is_gone_is_taken_back_before_its_reader(submit, worker, followed, until):
    one = followed(submit())
    worker.terms = type(worker.terms)(worker=worker.terms.worker, lease_seconds=0.3)
    worker.claim()

    until(lambda: one.positions == [1, None, 1])


def test_silence_is_filled_with_comments(submit, followed, until, monkeypatch):
    monkeypatch.setattr(following, "KEEP_ALIVE_EVERY", 0.05)
    one = followed(submit())

    until(lambda: one.kinds.count("comment") > 2)
