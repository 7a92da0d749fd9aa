"""A held call: from its acceptance to its answer."""

import pytest
import tiny
from promptqueue.prompt import ErrorCode, Outcome, Status
from proxy.app import parts

KEY = {"Idempotency-Key": "a-key-of-sixteen-characters"}


def test_a_whole_answer_is_one_document(asking, queued, worker):
    call = asking()
    prompt = queued()
    worker.answer()

    answer = call.result

    assert (answer.status_code, answer.json) == (200, {"text": "Rayleigh."})
    assert answer.headers["X-Prompt-Id"] == prompt.id
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Served-By"] == worker.terms.server


def test_a_document_is_written_in_ascii(asking, queued, worker):
    call = asking()
    queued()
    worker.answer({"response": "a\u0085b\u2028c\U0001f30d", "done": True})

    assert call.result.data == b'{"text":"a\\u0085b\\u2028c\\ud83c\\udf0d"}'


def test_a_stream_has_the_text_and_then_the_ending(asking, queued, worker):
    call = asking(stream=True)
    queued()
    claim = worker.claim()
    worker.speak(claim, "Ray", "leigh.", write=True)
    worker.finish(claim)

    answer = call.result

    assert answer.status_code == 200
    assert answer.text.startswith("open\n1.0 Ray")
    assert answer.text.endswith("\nanswer Rayleigh.\nend\n")
    assert "X-Served-By" not in answer.headers  # which were sent while another server could still have written the rest


def test_a_stream_without_text_has_the_ending_alone(asking, queued, worker):
    call = asking(stream=True)
    queued()
    worker.answer({"response": "", "done": True})

    assert call.result.text == "open\nanswer \nend\n"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("code", "status"),
    [
        (ErrorCode.MODEL_REFUSED, 400),
        (ErrorCode.PROMPT_TOO_LONG, 400),
        (ErrorCode.TIMED_OUT, 500),
        (ErrorCode.ATTEMPTS_EXHAUSTED, 500),
    ],
)
def test_what_fails_before_anything_was_sent_has_its_own_status(asking, queued, worker, stream, code, status):
    call = asking(stream=stream)
    prompt = queued()
    worker.fail(code, "It did not work.")

    answer = call.result

    assert (answer.status_code, answer.text) == (status, f"{code}: It did not work.")
    assert answer.headers["X-Prompt-Id"] == prompt.id
    assert answer.headers.get("x-should-retry") == ("false" if status == 500 else None)


@pytest.mark.parametrize("stream", [True, False])
def test_a_prompt_cancelled_by_somebody_else_is_gone(asking, queued, queue, stream):
    call = asking(stream=stream)
    queue.cancel(queued().id)

    answer = call.result

    assert (answer.status_code, answer.headers["x-should-retry"]) == (410, "false")
    assert answer.text.startswith("cancelled: ")


@pytest.mark.parametrize("stream", [True, False])
def test_a_prompt_deleted_by_somebody_else_is_gone(asking, queued, queue, stream):
    call = asking(stream=stream)
    queue.delete(queued().id)

    assert (call.result.status_code, call.result.text.partition(":")[0]) == (410, "deleted")


def test_an_attempt_that_fails_before_any_text_costs_time_alone(asking, queued, in_line, queue, worker):
    call = asking(stream=True)
    queued()
    worker.queue.release(worker.claim())
    in_line(queue)
    worker.answer()

    assert call.result.text == "open\n2.0 Rayleigh.\nanswer Rayleigh.\nend\n"


def test_a_whole_answer_is_that_of_the_attempt_that_succeeded(asking, queued, in_line, queue, worker):
    call = asking()
    queued()
    claim = worker.claim()
    worker.speak(claim, "Wrong", write=True)
    worker.queue.release(claim)
    in_line(queue)
    worker.answer()

    assert call.result.json == {"text": "Rayleigh."}


def test_what_is_refused_is_refused_before_anything_is_queued(client, queue):
    answer = client.post("/tiny", json=["no object"])

    assert (answer.status_code, answer.text) == (400, "invalid_request: Send an object.")
    assert queue.counts().queued == 0


@pytest.mark.parametrize(
    ("headers", "param"), [({"X-On-Disconnect": "perhaps"}, "X-On-Disconnect"), ({"Idempotency-Key": "short"}, "Key")]
)
def test_a_header_that_is_not_understood_is_refused(client, queue, headers, param):
    answer = client.post("/tiny", json={}, headers=headers)

    assert (answer.status_code, queue.counts().queued) == (400, 0)
    assert param in answer.text


def test_as_many_calls_as_there_are_places_are_held_and_one_more_is_not_accepted(
    tiny_app, asking, queued, queue, worker
):
    client = tiny_app(max_streams=1).test_client()
    held = asking(at=client)
    queued()

    answer = client.post("/tiny", json={})

    assert (answer.status_code, answer.headers["x-should-retry"]) == (503, "true")
    assert answer.text.startswith("too_many_streams: ")
    assert queue.counts().queued == 1
    worker.answer()
    assert held.result.status_code == 200
    again = asking(at=client)
    queued()
    worker.answer()
    assert again.result.status_code == 200


def test_a_full_queue_says_when_to_come_again_and_never_later_than_in_a_minute(tiny_app, asking, queued, queue, worker):
    client = tiny_app(max_queue_depth=1).test_client()
    held = asking(at=client)
    queued()

    answer = client.post("/tiny", json={})

    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 59
    worker.answer()
    held.join()


def test_the_origin_of_a_prompt_is_kept_and_is_of_its_face_alone(client, asking, queued, queue, worker):
    call = asking(echo={"model": "llama3.2"})
    prompt = queued()

    origin = queue.origin(prompt.id)

    assert (origin.face, origin.echo) == ("tiny", {"model": "llama3.2"})
    assert origin.holder is not None
    worker.answer()
    call.join()


def test_what_was_understood_and_dropped_is_named(asking, queued, worker):
    call = asking(ignored=["num_ctx", "keep_alive"])
    queued()
    worker.answer()

    assert call.result.headers["X-Ignored"] == "num_ctx, keep_alive"


@pytest.mark.parametrize("stream", [True, False])
def test_what_is_not_to_be_stored_is_erased_once_it_was_delivered(asking, queued, client, worker, stream):
    call = asking(stream=stream, is_stored=False)
    prompt = queued()
    worker.answer()

    assert call.result.status_code == 200
    assert client.get(f"/api/v1/prompt/{prompt.id}").status_code == 404


def test_who_does_not_wait_gets_where_to_go_on(client, queue, worker):
    answer = client.post("/tiny", json={}, headers={"Prefer": "wait=5, respond-async"})
    [prompt] = queue.newest(status=Status.QUEUED).prompts
    links = answer.json["links"]

    assert (answer.status_code, answer.json["id"], answer.json["position"]) == (202, prompt.id, 1)
    assert answer.headers["Location"] == links["status"]
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert queue.origin(prompt.id).holder is None
    worker.answer()
    assert client.get(links["result"]).json["response"] == "Rayleigh."


def test_the_same_key_and_body_find_the_same_prompt(asking, queued, queue, worker):
    first = asking(headers=KEY, stream=True)
    prompt = queued()
    second = asking(headers=KEY, stream=True)
    worker.answer()

    assert {call.result.headers["X-Prompt-Id"] for call in (first, second)} == {prompt.id}
    assert first.result.text == second.result.text == "open\n1.0 Rayleigh.\nanswer Rayleigh.\nend\n"
    later = asking(headers=KEY, stream=True)
    assert later.result.text == first.result.text
    assert queue.counts().completed == 1


@pytest.mark.parametrize(("size", "apart"), [(1_000, 0), (1_100_000, 1)])
def test_a_large_body_is_digested_where_others_need_not_wait_for_it(tiny_app, monkeypatch, size, apart):
    app = tiny_app(max_prompt_bytes=2_000_000)
    app.test_client().get("/api/v1/queue")  # which opens the queue, apart as well
    digested = []
    monkeypatch.setattr(parts(app).concurrency, "apart", lambda call: digested.append(call()) or digested[-1])

    answer = app.test_client().post("/tiny", data=b" " * size + b"{}", headers=KEY | {"Prefer": "respond-async"})

    assert (answer.status_code, len(digested)) == (202, apart)


def test_the_same_key_with_another_body_is_refused(client, asking, queued, worker):
    first = asking(headers=KEY)
    queued()

    answer = client.post("/tiny", json={"prompt": "Another?"}, headers=KEY)

    assert (answer.status_code, answer.text.partition(":")[0]) == (409, "idempotency_conflict")
    worker.answer()
    first.join()


def test_the_same_body_twice_is_two_prompts(asking, queue, in_line, worker):
    both = [asking(), asking(headers={"X-Stainless-Retry-Count": "1"})]
    prompts = in_line(queue, 2)
    worker.answer()
    worker.answer()

    assert {call.result.headers["X-Prompt-Id"] for call in both} == {prompt.id for prompt in prompts}


def test_a_stream_that_may_be_left_goes_on_where_its_reader_is(client, asking, queued, worker):
    call = asking()
    prompt = queued()
    worker.answer()
    call.join()

    assert client.get(f"/tiny/{prompt.id}/1/3").text == "open\n1.3 leigh.\nanswer Rayleigh.\nend\n"
    assert client.get(f"/tiny/{prompt.id}/0/0").text == "open\n1.0 Rayleigh.\nanswer Rayleigh.\nend\n"


def test_a_stream_of_a_prompt_that_failed_has_its_text_and_says_so(client, asking, queued, worker):
    call = asking()
    prompt = queued()
    worker.fail(partial="Ray")
    call.join()

    answer = client.get(f"/tiny/{prompt.id}/0/0")

    assert (answer.status_code, answer.text) == (200, "open\n1.0 Ray\nfailure model_refused\n")
    assert client.get("/tiny/00000000-0000-4000-8000-000000000000/0/0").status_code == 404


def test_a_prompt_of_a_call_that_ended_well_stays(asking, queued, queue, worker):
    call = asking()
    prompt = queued()
    worker.answer()
    call.join()

    assert queue.get(prompt.id).outcome is Outcome.SUCCEEDED


def test_text_of_a_prompt_that_has_failed_already_does_not_hide_its_status(asking, queued, worker):
    call = asking(stream=True)
    queued()
    with worker.queue.transaction():  # so that nobody sees one without the other
        worker.fail(partial="Ray")

    assert (call.result.status_code, call.result.text) == (400, "model_refused: The model refused.")


def test_text_of_an_attempt_that_is_lost_already_is_not_sent(asking, queued, in_line, queue, worker):
    call = asking(stream=True)
    queued()
    with worker.queue.transaction():
        claim = worker.claim()
        worker.queue.write(claim, "Wrong", offset=0, tokens=1)
        worker.queue.release(claim)
    in_line(queue)
    worker.answer()

    assert call.result.text == "open\n2.0 Rayleigh.\nanswer Rayleigh.\nend\n"


def test_while_a_call_is_held_its_body_takes_no_room(tiny_app, asking, in_line, queue, worker, until):
    app = tiny_app()
    free = parts(app).room._free

    call = asking(at=app.test_client())
    in_line(queue)

    until(lambda: parts(app).room._free == free)
    worker.answer()
    assert call.result.status_code == 200


def test_while_a_call_is_held_what_was_asked_is_not_in_memory(asking, in_line, queue, worker, until):
    calls = [asking(stream=True), asking()]
    in_line(queue, 2)

    until(lambda: not tiny.READ)

    worker.answer()
    worker.answer()
    assert [call.result.status_code for call in calls] == [200, 200]


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_prompt_whose_client_leaves_while_nothing_can_be_written_ends_when_it_can(
    tiny_app, queue, until, caplog, is_stored
):
    app = tiny_app(patience=0.1)
    answer = app.test_client().post("/tiny", json={"stream": True, "is_stored": is_stored})
    [prompt] = queue.newest(status=Status.QUEUED).prompts
    parts(app).writer._patience = 0.1

    with queue.transaction():
        queue.pause(False)
        answer.close()
    assert "prompt not let go of yet" in caplog.text

    until(lambda: not (found := queue.progress_of([prompt.id])) or found[0].prompt.outcome is Outcome.CANCELLED)
    assert bool(queue.progress_of([prompt.id])) is is_stored
