"""GET /api/v1/prompt/{id}/events: what is told, in which order, and how a reader goes on where it was."""

import json
import random
import threading

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import Answered, ErrorCode, Failed
from proxy import feeds, stream
from proxy.app import parts

UNKNOWN = "7d444840-9dc0-41d1-b245-5ffdce74fad2"
TEXT = "Rayleigh \U0001f30d\u2028scatters\n\n the blue."


def path_of(prompt_id):
    return f"/api/v1/prompt/{prompt_id}/events"


@pytest.fixture
def app(make_app):
    return make_app()


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def followed(app, client, follow, until):
    """Follow a prompt, and wait until its stream is held and has told something."""

    def followed(prompt_id, **headers):
        one = follow(client, path_of(prompt_id), **headers)
        until(lambda: one.events)
        return one

    return followed


@pytest.fixture
def finished(client, submit, worker):
    """A prompt that was answered with TEXT."""
    prompt_id = submit()
    worker.answer({"response": TEXT, "done": True})
    return prompt_id


@pytest.fixture
def read(client):
    """Read a stream to its end."""

    def read(path, last_event_id=None):
        answer = client.get(path, headers={} if last_event_id is None else {"Last-Event-ID": last_event_id})
        assert answer.status_code == 200, answer.text
        return list(events_in(answer.data))

    return read


@pytest.fixture
def unwoken(monkeypatch):
    """No look without a wake-up."""
    monkeypatch.setattr(feeds, "LOOK_EVERY", 3_600.0)


def events_in(data):
    for block in data.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        yield fields["id"], fields["event"], json.loads(fields["data"])


def speak(worker, claim, *pieces, offset=0, write=False):
    """Say these pieces one after the other, as a worker does."""
    for piece in pieces:
        worker.queue.tell(claim, piece, offset=offset)
        if write:
            worker.queue.write(claim, piece, offset=offset, tokens=1)
        offset += len(piece)
    return offset


# ---- what is told ---------------------------------------------------------------------------------------------------


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
        speak(worker, claim, piece, offset=offset)
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


def test_its_headers_say_that_it_is_live(client, finished):
    answer = client.get(path_of(finished), headers={"Origin": "https://example.com"})

    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["X-Prompt-Id"] == finished
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_page_of_another_origin_may_send_its_last_event_id(client, finished):
    asked = {
        "Origin": "https://example.com",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "Last-Event-ID",
    }

    answer = client.options(path_of(finished), headers=asked)

    assert "last-event-id" in answer.headers["Access-Control-Allow-Headers"].lower()


@pytest.mark.parametrize("prompt_id", [UNKNOWN, "nonsense", UNKNOWN[:-1]])
def test_an_unknown_prompt_is_not_found(client, prompt_id):
    answer = client.get(path_of(prompt_id))

    assert (answer.status_code, answer.json["error"]["code"]) == (404, "not_found")


def test_a_first_reader_of_a_finished_prompt_gets_it_all(read, client, finished):
    status = client.get(f"/api/v1/prompt/{finished}/status").json
    end = f"1-{len(TEXT)}"

    assert read(path_of(finished)) == [
        ("0-0", "status", status),
        (end, "token", {"attempt": 1, "text": TEXT}),
        (f"{end}-end", "completed", status),
    ]


def test_an_answer_without_text_has_no_tokens(read, submit, worker):
    prompt_id = submit()
    worker.answer({"response": "", "done": True})

    assert [kind for _, kind, _ in read(path_of(prompt_id))] == ["status", "completed"]


def test_the_text_of_a_chat_is_its_message(read, submit, worker):
    prompt_id = submit()
    worker.answer({"message": {"role": "assistant", "content": "Hello."}, "done": True})

    assert read(path_of(prompt_id))[1][2] == {"attempt": 1, "text": "Hello."}


def test_a_long_text_comes_in_pieces(read, submit, worker):
    prompt_id = submit()
    worker.answer({"response": "\U0001f30d" * 100_000, "done": True})

    tokens = [data["text"] for _, kind, data in read(path_of(prompt_id)) if kind == "token"]

    assert "".join(tokens) == "\U0001f30d" * 100_000
    assert max(map(len, tokens)) == stream.LONGEST_TOKEN


def test_a_failed_prompt_tells_the_text_that_had_come(read, submit, worker):
    prompt_id = submit()
    worker.fail(ErrorCode.TIMED_OUT, partial="It is")

    events = read(path_of(prompt_id))

    assert [kind for _, kind, _ in events] == ["status", "token", "completed"]
    assert events[1][2] == {"attempt": 1, "text": "It is"}
    assert events[2][2]["error"]["code"] == "timed_out"


def test_a_cancelled_prompt_ends_with_what_had_been_told(client, submit, worker, followed, until):
    prompt_id = submit()
    one = followed(prompt_id)
    claim = worker.claim()
    speak(worker, claim, "It ", write=True)
    speak(worker, claim, "is", offset=3)  # and is lost, because nobody has written it
    until(lambda: one.text == "It is")

    client.post(f"/api/v1/prompt/{prompt_id}/cancel")

    assert one.end()[-1].data["outcome"] == "cancelled"
    assert one.text == "It is"
    assert client.get(path_of(prompt_id), headers={"Last-Event-ID": "1-5"}).text.count("event: ") == 1


def test_the_text_of_another_attempt_starts_anew(submit, worker, followed, until):
    prompt_id = submit()
    one = followed(prompt_id)
    claim = worker.claim()
    speak(worker, claim, "first try", write=True)
    until(lambda: one.text == "first try")
    worker.queue.finish(claim, Failed(cause="reset"))
    until(lambda: one.positions[-1:] == [1])
    claim = worker.claim()
    speak(worker, claim, "sec", "ond")
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
    monkeypatch.setattr(worker.queue._database.wakeup, "changed", lambda _: None)
    claim = worker.claim()

    speak(worker, claim, "a")

    until(lambda: one.text == "a")
    assert [(event.kind, event.data["attempt"]) for event in one.events[1:]] == [("status", 1), ("token", 1)]


def test_a_deleted_prompt_ends_without_a_word(client, submit, worker, followed, until):
    prompt_id = submit()
    one = followed(prompt_id)
    speak(worker, worker.claim(), "a")
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
    monkeypatch.setattr(stream, "COMMENT_EVERY", 0.05)
    one = followed(submit())

    until(lambda: one.kinds.count("comment") > 2)


# ---- going on -------------------------------------------------------------------------------------------------------


def test_from_any_place_a_reader_gets_the_rest_and_nothing_twice(read, finished):
    for offset in range(len(TEXT)):
        _, (last, kind, _) = events = read(path_of(finished), f"1-{offset}")

        assert events[0] == (f"1-{len(TEXT)}", "token", {"attempt": 1, "text": TEXT[offset:]})
        assert (last, kind) == (f"1-{len(TEXT)}-end", "completed")


def test_a_reader_who_lacks_the_end_alone_gets_it_alone(read, finished):
    assert [kind for _, kind, _ in read(path_of(finished), f"1-{len(TEXT)}")] == ["completed"]


def test_a_reader_who_has_the_end_is_told_not_to_come_back(client, finished):
    answer = client.get(path_of(finished), headers={"Last-Event-ID": f"1-{len(TEXT)}-end"})

    assert (answer.status_code, answer.data) == (204, b"")


def test_a_reader_of_an_older_attempt_gets_the_newer_one_from_its_beginning(read, submit, worker):
    prompt_id = submit()
    claim = worker.claim()
    worker.queue.write(claim, "first try", offset=0, tokens=1)
    worker.queue.finish(claim, Failed(cause="reset"))
    worker.answer({"response": "second", "done": True})

    assert read(path_of(prompt_id), "1-9")[0] == ("2-6", "token", {"attempt": 2, "text": "second"})


@pytest.mark.parametrize(
    "garbage", ["", "x", "1", "1-", "-1", "1-2-3", "1-2-END", "1.5-2", " 1-2", "\u0661-\u0662", "9-0", "9" * 40 + "-1"]
)
def test_garbage_is_taken_for_no_last_event_id(client, finished, garbage):
    plain = client.get(path_of(finished)).data

    assert client.get(path_of(finished), headers={"Last-Event-ID": garbage}).data == plain


def test_an_end_that_has_not_come_is_taken_for_no_last_event_id(submit, followed):
    assert followed(submit(), Last_Event_ID="0-0-end").kinds == ["status"]


def test_a_reader_who_knows_more_than_was_stored_is_told_nothing_twice(submit, worker, followed, until):
    """It heard live text; then the proxy was started anew, and only the database knows what had come."""
    prompt_id = submit()
    claim = worker.claim()
    worker.queue.write(claim, "abc", offset=0, tokens=1)

    one = followed(prompt_id, Last_Event_ID="1-5")
    speak(worker, claim, "f", offset=5)
    worker.queue.write(claim, "def", offset=3, tokens=2)
    until(lambda: one.text)
    speak(worker, claim, "g", offset=6)
    until(lambda: one.text == "fg")
    worker.finish(claim, {"response": "abcdefg", "done": True})

    assert one.end()[-1].id == "1-7-end"
    assert one.text == "fg"


def test_whoever_comes_in_mid_answer_gets_what_was_written_and_then_what_is_said(submit, worker, followed, until):
    prompt_id = submit()
    early = followed(prompt_id)
    claim = worker.claim()
    speak(worker, claim, "a", "b", write=True)
    speak(worker, claim, "c", offset=2)
    until(lambda: early.text == "abc")

    late = followed(prompt_id)

    until(lambda: late.text == "abc")  # what is known to this process need not be written first
    speak(worker, claim, "d", offset=3)
    until(lambda: (early.text, late.text) == ("abcd", "abcd"))


def test_whoever_comes_in_just_after_the_first_words_gets_them_before_they_are_written(
    unwoken, submit, worker, followed, until
):
    submit()
    prompt_id = submit()
    worker.answer()
    other = followed(submit())  # so that this process listens
    claim = worker.claim()
    speak(worker, claim, "Why", ", ")
    until(lambda: other.positions[-1] == 1)

    late = followed(prompt_id)
    speak(worker, claim, "indeed", offset=5)

    until(lambda: late.text == "Why, indeed")


# ---- what gets lost -------------------------------------------------------------------------------------------------


def test_text_that_was_lost_on_the_way_comes_from_the_database_in_its_place(unwoken, submit, worker, followed, until):
    one = followed(submit())
    claim = worker.claim()
    speak(worker, claim, "one ")
    until(lambda: one.text == "one ")
    speak(worker, claim, "three ", offset=8)  # "two " was lost
    speak(worker, claim, "four ", offset=14)

    worker.queue.write(claim, "one two ", offset=0, tokens=2)
    until(lambda: one.text == "one two three four ")
    speak(worker, claim, "five", offset=19)

    until(lambda: one.text == "one two three four five")


def test_the_last_text_to_be_lost_is_mended_too(unwoken, submit, worker, followed, until):
    one = followed(submit())
    claim = worker.claim()
    speak(worker, claim, "one ")
    until(lambda: one.text == "one ")

    worker.queue.write(claim, "one two", offset=0, tokens=2)

    until(lambda: one.text == "one two")


def test_text_that_comes_twice_is_told_once(submit, worker, followed, until):
    one = followed(submit())
    claim = worker.claim()
    speak(worker, claim, "one ")
    speak(worker, claim, "one ")
    speak(worker, claim, "e two", offset=2)

    until(lambda: one.text == "one two")
    assert [event.id for event in one.events if event.kind == "token"][-1] == "1-7"


@pytest.mark.parametrize("seed", range(3))
def test_whichever_datagrams_get_lost_every_token_is_told_in_its_place(submit, worker, followed, seed, monkeypatch):
    chance = random.Random(seed)
    wakeup = worker.queue._database.wakeup
    send, lost = wakeup._send, []

    def send_or_lose(message, **options):
        return lost.append(message) if chance.random() < 0.4 else send(message, **options)

    monkeypatch.setattr(wakeup, "_send", send_or_lose)
    readers = [followed(submit()) for _ in range(3)]
    pieces = [f"{number} " for number in range(200)]
    for _ in readers:
        claim, written, said = worker.claim(), "", ""
        for number, piece in enumerate(pieces):
            speak(worker, claim, piece, offset=len(said))
            said += piece
            if number % 20 == 19:
                worker.queue.write(claim, said[len(written) :], offset=len(written), tokens=number)
                written = said
        worker.finish(claim, {"response": said, "done": True})

    for one in readers:
        one.end()
        assert one.text == "".join(pieces)
        assert one.kinds[-1] == "completed"
    assert len(lost) > 100


def test_with_no_wake_up_at_all_everything_is_told_within_seconds(client, submit, worker, followed, until, tmp_path):
    first, second = submit(), submit()
    readers = [followed(first), followed(second)]
    for ear in (tmp_path / "data" / "wake").glob("*.sock"):
        ear.unlink()

    claim = worker.claim()
    until(lambda: readers[1].positions == [2, 1])
    worker.queue.write(claim, "abc", offset=0, tokens=1)
    until(lambda: readers[0].text == "abc")
    worker.finish(claim, {"response": "abcd", "done": True})

    assert [event.kind for event in readers[0].end()][-1] == "completed"
    assert readers[0].text == "abcd"


def test_every_change_is_heard_by_wake_ups_alone(unwoken, client, submit, worker, followed, until):
    first, second, third = submit(), submit(), submit()
    readers = [followed(one) for one in (first, second, third)]

    claim = worker.claim()
    until(lambda: [one.positions for one in readers] == [[1, None], [2, 1], [3, 2]])
    client.post(f"/api/v1/prompt/{second}/cancel")
    until(lambda: readers[2].positions == [3, 2, 1])
    worker.queue.release(claim)
    until(lambda: readers[0].positions == [1, None, 1])
    until(lambda: readers[2].positions == [3, 2, 1, 2])
    client.delete(f"/api/v1/prompt/{first}")
    readers[0].end()
    until(lambda: readers[2].positions == [3, 2, 1, 2, 1])
    worker.answer()

    assert readers[2].end()[-1].kind == "completed"


def test_streams_outlive_a_storage_that_is_away_for_a_while(app, submit, worker, followed, until, monkeypatch):
    one = followed(submit())
    real, failed = parts(app).reader.read, threading.Event()

    def fail(_):
        failed.set()
        raise StorageUnavailable

    monkeypatch.setattr(parts(app).reader, "read", fail)
    claim = worker.claim()
    worker.finish(claim)
    assert failed.wait(10)
    monkeypatch.setattr(parts(app).reader, "read", real)

    assert one.end()[-1].kind == "completed"


def test_a_place_that_could_not_be_read_is_told_when_the_storage_is_back(
    app, submit, worker, followed, until, monkeypatch
):
    first, second = submit(), submit()
    one = followed(second)
    real, failed = parts(app).reader.read, []

    def fail_once(look):
        found = real(look)
        if isinstance(found, list) and not failed:
            failed.append(found)
            raise StorageUnavailable
        return found

    monkeypatch.setattr(parts(app).reader, "read", fail_once)
    worker.queue.cancel(first)

    until(lambda: one.positions == [2, 1])
    assert failed


def test_a_mistake_of_ours_ends_the_streams_and_the_next_are_served(app, client, submit, followed, until, monkeypatch):
    prompt_id = submit()
    one = followed(prompt_id)
    monkeypatch.setattr(parts(app).feeds, "_tell", lambda: 1 / 0)
    submit()
    one.end()
    monkeypatch.undo()

    assert followed(prompt_id, Last_Event_ID=one.events[-1].id).kinds == ["status"]


def test_once_nobody_follows_anything_nothing_is_read(app, client, submit, worker, followed, until, monkeypatch):
    prompt_id = submit()
    one = followed(prompt_id)
    worker.answer()
    one.end()
    one.close()
    until(lambda: not parts(app).feeds._feeds)
    notes, turned, reads = [], threading.Event(), []
    hear = parts(app).feeds._hear
    monkeypatch.setattr(parts(app).feeds, "_hear", lambda heard: (hear(heard), notes.extend(heard)))
    monkeypatch.setattr(parts(app).feeds, "_tell", lambda: notes and turned.set())  # at the end of a turn
    monkeypatch.setattr(parts(app).reader, "read", reads.append)

    until(lambda: submit() and turned.is_set())

    assert reads == []


# ---- places ---------------------------------------------------------------------------------------------------------


def test_streams_and_held_requests_share_the_places(make_app, follow, submit, worker, until):
    app = make_app(max_streams=2)
    client, running, finished = app.test_client(), submit(), submit()
    worker.queue.cancel(finished)
    one = follow(client, path_of(running))
    until(lambda: one.events)
    held = threading.Thread(target=lambda: app.test_client().get(f"/api/v1/prompt/{running}/result?wait=30"))
    held.start()
    until(lambda: parts(app).watch.held == 2)

    refused = client.get(path_of(running))
    others = [
        client.get(path).status_code for path in (path_of(finished), "/healthz", f"/api/v1/prompt/{running}/status")
    ]
    worker.answer()
    one.end()
    one.close()
    held.join(10)

    assert (refused.status_code, refused.json["error"]["code"]) == (503, "too_many_streams")
    assert refused.headers["Retry-After"] == "5"
    assert others == [200, 200, 200]
    assert parts(app).watch.held == 0


def test_a_reader_that_goes_gives_its_place_back(app, client, submit):
    answer = client.get(path_of(submit()))
    assert parts(app).watch.held == 1

    answer.close()

    assert parts(app).watch.held == 0
    assert parts(app).feeds._feeds == {}


def test_head_holds_nothing(app, client, submit):
    answer = client.head(path_of(submit()))

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream")
    assert parts(app).watch.held == 0


def test_told_to_stop_every_stream_ends_and_the_next_one_at_once(app, client, submit, followed):
    prompt_id = submit()
    one = followed(prompt_id)

    parts(app).stop()

    one.end()
    assert client.get(path_of(prompt_id)).data == b""


def test_what_many_read_is_written_as_json_once(app, submit, worker, followed, until):
    prompt_id = submit()
    readers = [followed(prompt_id) for _ in range(3)]
    claim = worker.claim()
    speak(worker, claim, "abc")
    until(lambda: [one.text for one in readers] == ["abc"] * 3)

    told = parts(app).feeds._feeds[prompt_id].told

    assert told.token(0, 3) is told.token(0, 3)
    assert told.status() is told.status()
    worker.queue.finish(claim, Answered(record={"response": "abc"}, tokens=1))
