"""Streams that are held: their places, what they share, and how they end."""

import threading

from proxy.api import event_stream
from proxy.app import parts
from pydantic_core import to_json


def test_streams_and_held_requests_share_the_places(make_app, follow, submit, worker, until, path_of):
    app = make_app(max_streams=2)
    client, running, finished = app.test_client(), submit(), submit()
    worker.queue.cancel(finished)
    one = follow(client, path_of(running))
    until(lambda: one.events)
    held = threading.Thread(target=lambda: app.test_client().get(f"/api/v1/prompt/{running}/result?wait=30"))
    held.start()
    until(lambda: parts(app).places.taken == 2)

    refused = client.get(path_of(running))
    paths = (path_of(finished), "/healthz", "/api/v1/queue", f"/api/v1/prompt/{running}/status")
    others = [client.get(path).status_code for path in paths]
    submit()
    worker.answer()
    one.end()
    one.close()
    held.join(10)

    assert (refused.status_code, refused.json["error"]["code"]) == (503, "too_many_streams")
    assert refused.headers["Retry-After"] == "5"
    assert others == [200] * 4
    assert parts(app).places.taken == 0


def test_a_reader_that_goes_gives_its_place_back(app, client, submit, path_of):
    answer = client.get(path_of(submit()))
    assert parts(app).places.taken == 1

    answer.close()

    assert parts(app).places.taken == 0
    assert parts(app).live._prompts == {}


def test_head_holds_nothing(app, client, submit, path_of):
    answer = client.head(path_of(submit()))

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream")
    assert parts(app).places.taken == 0


def test_told_to_stop_every_stream_ends_and_the_next_one_at_once(app, client, submit, followed, path_of):
    prompt_id = submit()
    one = followed(prompt_id)

    parts(app).stop()

    one.end()
    assert client.get(path_of(prompt_id)).data == b""


def test_what_many_read_is_written_as_json_once(unwoken, submit, worker, followed, until, monkeypatch):
    written = []
    monkeypatch.setattr(event_stream, "to_json", lambda value: written.append(value) or to_json(value))
    readers = [followed(submit())]
    readers += [followed(readers[0].events[0].data["id"]) for _ in range(2)]
    claim = worker.claim()
    until(lambda: [one.positions[-1] for one in readers] == [None] * 3)

    worker.speak(claim, "abc")
    until(lambda: [one.text for one in readers] == ["abc"] * 3)

    assert written.count({"attempt": 1, "text": "abc"}) == 1
