"""Streams that are held: their places, what they share, and how they end."""

import threading

from promptqueue.prompt import Answered
from proxy.app import parts


def test_streams_and_held_requests_share_the_places(make_app, follow, submit, worker, until, path_of):
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


def test_a_reader_that_goes_gives_its_place_back(app, client, submit, path_of):
    answer = client.get(path_of(submit()))
    assert parts(app).watch.held == 1

    answer.close()

    assert parts(app).watch.held == 0
    assert parts(app).feeds._feeds == {}


def test_head_holds_nothing(app, client, submit, path_of):
    answer = client.head(path_of(submit()))

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream")
    assert parts(app).watch.held == 0


def test_told_to_stop_every_stream_ends_and_the_next_one_at_once(app, client, submit, followed, path_of):
    prompt_id = submit()
    one = followed(prompt_id)

    parts(app).stop()

    one.end()
    assert client.get(path_of(prompt_id)).data == b""


def test_what_many_read_is_written_as_json_once(app, submit, worker, followed, until):
    prompt_id = submit()
    readers = [followed(prompt_id) for _ in range(3)]
    claim = worker.claim()
    worker.speak(claim, "abc")
    until(lambda: [one.text for one in readers] == ["abc"] * 3)

    told = parts(app).feeds._feeds[prompt_id].told

    assert told.token(0, 3) is told.token(0, 3)
    assert told.status() is told.status()
    worker.queue.finish(claim, Answered(record={"response": "abc"}, tokens=1))
