from __future__ import annotations

import openai
import pytest
from promptqueue.prompt import ErrorCode, Failed, Status
from responses_asked import CALL, TEXT, client_of, follow, in_background, numbers_of, record, text_of


def test_a_stream_goes_on_after_every_event_live_and_over_and_after_a_restart(
    client, spoken, worker, serve, server, meanwhile
):
    response, running = spoken
    live = meanwhile(lambda: list(follow(client, response.id)))
    halves = [meanwhile(lambda after=after: list(follow(client, response.id, after))) for after in (1, 2, 4, 9)]
    worker.finish(running, record(calls=[CALL]))
    first = live.result(30)
    assert text_of(first) == TEXT
    assert numbers_of(first) == sorted(set(numbers_of(first)))
    another = serve(DATABASE_URL=server.database_url)
    for after, half in zip((1, 2, 4, 9), halves, strict=True):
        assert without_text(half.result(30)) == without_text(first, after)
    for reader in (client, client_of(another)):
        assert without_text(list(follow(reader, response.id))) == without_text(first)
        for after in numbers_of(first):
            rest = list(follow(reader, response.id, after))
            assert without_text(rest) == without_text(first, after)
            known = text_of([event for event in first if event.sequence_number <= after])
            assert known + text_of(rest) == TEXT


def without_text(events, after=-1):
    deltas = "response.output_text.delta"
    return [event for event in events if event.type != deltas and event.sequence_number > after]


def test_a_stream_that_was_left_goes_on_where_it_was(client, spoken, worker, meanwhile):
    response, running = spoken
    with follow(client, response.id) as stream:
        known = _until_text(stream)
    rest = meanwhile(lambda: list(follow(client, response.id, known.sequence_number)))
    worker.finish(running, record())
    rest = rest.result(30)
    assert known.delta + text_of(rest) == TEXT
    assert rest[-1].type == "response.completed"


def test_the_client_s_own_helper_gathers_the_rest_of_a_stream(client, spoken, worker):
    response, running = spoken
    worker.finish(running, record(calls=[CALL]))
    with client.responses.stream(response_id=response.id, starting_after=7) as stream:
        assert all(event.sequence_number > 7 for event in stream)
        assert stream.get_final_response().output_text == TEXT


def test_text_that_was_begun_anew_is_said_to_be(client, spoken, claim, worker, meanwhile):
    response, running = spoken
    with follow(client, response.id) as stream:
        last = _until_text(stream)
        worker.queue.release(running)
        with pytest.raises(openai.APIError) as raised:
            list(stream)
    assert raised.value.code == "response_restarted"
    for _ in range(2):  # while it waits, and while it is answered
        with pytest.raises(openai.BadRequestError) as refused:
            follow(client, response.id, last.sequence_number)
        assert refused.value.code == "response_restarted"
        assert client.responses.retrieve(response.id).output_text == ""
        running = running if running.attempt == 2 else claim()
    rest = meanwhile(lambda: list(follow(client, response.id, 2)))
    worker.speak(running, TEXT, write=True)
    worker.finish(running, record())
    rest = rest.result(30)
    assert text_of(rest) == TEXT
    assert numbers_of(rest)[0] == 1_000_000_002


def test_a_stream_in_the_background_whose_text_is_begun_anew_ends_and_its_response_goes_on(client, claim, worker):
    with in_background(client, stream=True) as stream:
        response = next(stream).response
        running = claim()
        worker.speak(running, "one")
        _until_text(stream)
        worker.queue.release(running)
        with pytest.raises(openai.APIError) as raised:
            list(stream)
    assert raised.value.code == "response_restarted"
    worker.finish(claim(), record())
    assert client.responses.retrieve(response.id).output_text == TEXT


def test_a_held_stream_whose_text_is_begun_anew_fails_and_its_response_is_cancelled(client, claim, worker, until):
    with client.responses.create(model="llama3.2", input="hi", stream=True) as stream:
        response = next(stream).response
        running = claim()
        worker.speak(running, "one")
        _until_text(stream)
        worker.queue.release(running)
        assert next(stream).type == "response.failed"
        with pytest.raises(openai.APIError) as raised:
            list(stream)
    assert raised.value.code == "server_error"
    until(lambda: client.responses.retrieve(response.id).status == "cancelled")


def test_a_response_in_the_background_outlives_the_proxy(serve, hire_at, queue_at, until, meanwhile):
    first = serve()
    client, worker, queue = client_of(first), hire_at(first.database_url), queue_at(first.database_url)
    response = in_background(client)
    stream = follow(client, response.id)
    assert next(stream).type == "response.created"
    running = until(lambda: queue.newest(status=Status.QUEUED).prompts) and worker.claim()
    while (known := next(stream)).type != "response.in_progress":
        pass
    first.stop()
    with pytest.raises(openai.APIError) as raised:
        list(stream)
    assert raised.value.code == "stopping"
    client = client_of(serve(DATABASE_URL=first.database_url))
    reading = meanwhile(lambda: list(follow(client, response.id, known.sequence_number)))
    worker.speak(running, TEXT, write=True)
    worker.finish(running, record())
    assert text_of(reading.result(30)) == TEXT
    assert client.responses.retrieve(response.id).output_text == TEXT


def _until_text(stream):
    """Read up to the first text, and give its event."""
    return next(event for event in stream if event.type == "response.output_text.delta")


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 30, str(10**12)])
def test_what_is_no_number_of_an_event_is_refused(client, server, spoken, worker, after):
    response, running = spoken
    answer = server.get(f"/v1/responses/{response.id}?stream=true&starting_after={after}")
    assert (answer.status, answer.json["error"]["param"]) == (400, "starting_after")
    worker.finish(running, record())


def test_a_failure_is_heard_by_whoever_follows_and_by_whoever_comes_too_late(client, spoken, worker, meanwhile):
    response, running = spoken
    reading = meanwhile(lambda: list(follow(client, response.id)))
    worker.queue.finish(running, Failed(cause="No.", code=ErrorCode.MODEL_REFUSED))
    for listen in (reading.result, lambda: list(follow(client, response.id))):
        with pytest.raises(openai.APIError, match=r"^No\.$"):
            listen()
    assert client.responses.retrieve(response.id).output_text == TEXT


def test_a_response_that_its_client_cancels_ends_its_streams(client, spoken, meanwhile):
    response, _ = spoken
    reading = meanwhile(lambda: list(follow(client, response.id)))
    client.responses.cancel(response.id)
    with pytest.raises(openai.APIError) as raised:
        reading.result(30)
    assert raised.value.code == "cancelled"
