"""?wait=: an answer that is held until there is something to say."""

import socket
import sys
import threading
import time

import pytest
from proxy.app import parts
from proxy.live.held_requests import Held
from proxy.serving.connection import Connection


class Later:
    """Does something in a thread; what it returned."""

    def __init__(self, do):
        self._thread = threading.Thread(target=self._run, args=[do], daemon=True)
        self._thread.start()

    def _run(self, do):
        start = time.monotonic()
        self._result = do()
        self.took = time.monotonic() - start

    @property
    def result(self):
        self._thread.join(30)
        assert not self._thread.is_alive(), "still held"
        return self._result

    @property
    def is_held(self):
        return self._thread.is_alive()


@pytest.fixture
def held(app, client, until):
    """Ask for something that will be held, and wait until it is."""

    def held(path):
        before = parts(app).places.taken
        later = Later(lambda: client.get(path))
        until(lambda: parts(app).places.taken > before)
        return later

    return held


@pytest.mark.parametrize(
    "wait", ["-1", "60.001", "61", "nan", "inf", "", " 5", "5s", "1_0", "0x5", "\u0665", "1,5", "--1", "true"]
)
def test_another_wait_than_0_to_60_is_refused(client, submit, wait):
    for what in ("status", "result"):
        answer = client.get(f"/api/v1/prompt/{submit()}/{what}", query_string={"wait": wait})

        assert answer.status_code == 400
        assert (answer.json["error"]["code"], answer.json["error"]["param"]) == ("invalid_request", "wait")


@pytest.mark.parametrize("unless", ["", "QUEUED", "done", "succeeded"])
def test_unless_is_a_status(client, submit, unless):
    answer = client.get(f"/api/v1/prompt/{submit()}/status", query_string={"unless": unless})

    assert (answer.status_code, answer.json["error"]["param"]) == (400, "unless")


def test_a_status_is_held_until_it_changes(held, submit, worker):
    later = held(f"/api/v1/prompt/{submit()}/status?wait=30")

    worker.claim()

    assert later.result.json["status"] == "processing"
    assert later.took < 5


def test_a_status_is_held_for_as_long_as_was_asked(client, submit):
    start = time.monotonic()

    answer = client.get(f"/api/v1/prompt/{submit()}/status?wait=0.3")

    assert 0.3 <= time.monotonic() - start < 3
    assert (answer.status_code, answer.json["status"]) == (200, "queued")


@pytest.mark.parametrize("wait", ["0", "0.0", "-0.0", "1e-3", "60", "05"])
def test_waits_from_0_to_60_are_understood(client, submit, wait):
    answer = client.get(f"/api/v1/prompt/{submit()}/status", query_string={"wait": wait, "unless": "processing"})

    assert answer.status_code == 200


def test_a_place_in_line_is_no_change(client, held, submit):
    first = submit()
    later = held(f"/api/v1/prompt/{submit()}/status?wait=1.5")

    client.post(f"/api/v1/prompt/{first}/cancel")

    assert (later.result.json["status"], later.result.json["position"]) == ("queued", 1)
    assert later.took >= 1.5


def test_a_status_other_than_the_known_one_is_answered_at_once(client, submit):
    start = time.monotonic()

    answer = client.get(f"/api/v1/prompt/{submit()}/status?wait=30&unless=processing")

    assert answer.json["status"] == "queued"
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("unless", ["", "&unless=completed"])
def test_a_completed_prompt_is_answered_at_once(client, submit, worker, unless):
    prompt_id = submit()
    worker.answer()
    start = time.monotonic()

    answer = client.get(f"/api/v1/prompt/{prompt_id}/status?wait=30{unless}")

    assert answer.json["status"] == "completed"
    assert time.monotonic() - start < 5


def test_a_result_is_held_until_the_prompt_is_completed(held, submit, worker):
    later = held(f"/api/v1/prompt/{submit()}/result?wait=30")

    claim = worker.claim()
    assert later.is_held
    worker.finish(claim)

    assert later.result.json["outcome"] == "succeeded"
    assert later.result.headers["X-Served-By"] == worker.terms.server


def test_a_held_answer_hears_of_the_end_though_every_wake_up_is_lost(app, held, submit, worker, tmp_path):
    later = held(f"/api/v1/prompt/{submit()}/result?wait=30")
    for listener in (tmp_path / "data" / "wake").glob("*.sock"):
        listener.unlink()

    worker.answer()

    assert later.result.status_code == 200
    assert later.took < 5


def test_a_prompt_that_is_deleted_while_it_is_waited_for_is_not_found(client, held, submit):
    prompt_id = submit()
    later = held(f"/api/v1/prompt/{prompt_id}/result?wait=30")

    client.delete(f"/api/v1/prompt/{prompt_id}")

    assert later.result.status_code == 404


def test_a_prompt_expires_while_it_is_waited_for(held, submit):
    later = held(f"/api/v1/prompt/{submit(expires_in=0.5)}/result?wait=30")

    assert (later.result.status_code, later.result.json["outcome"]) == (410, "expired")
    assert later.took < 5


def test_no_more_requests_are_held_than_may_be(make_app, submit, until, worker):
    app = make_app(max_streams=2)
    client, path = app.test_client(), f"/api/v1/prompt/{submit()}/result?wait=30"
    others = [Later(lambda: app.test_client().get(path)) for _ in range(2)]
    until(lambda: parts(app).places.taken == 2)

    refused = client.get(path)
    unheld = client.get(path.replace("wait=30", "wait=0"))
    worker.answer()

    assert (refused.status_code, refused.json["error"]["code"]) == (503, "too_many_streams")
    assert refused.headers["Retry-After"] == "5"
    assert unheld.status_code == 202
    assert [other.result.status_code for other in others] == [200, 200]
    assert parts(app).places.taken == 0


def test_held_answers_come_at_once_when_the_process_is_told_to_stop(app, client, held, submit):
    prompt_id = submit()
    later = held(f"/api/v1/prompt/{prompt_id}/status?wait=60")

    parts(app).stop()

    assert (later.result.status_code, later.result.json["status"]) == (200, "queued")
    assert later.took < 5
    assert client.get(f"/api/v1/prompt/{prompt_id}/status?wait=60").status_code == 200  # nothing is held any more


def test_nothing_listens_until_a_request_is_held(client, submit, held, tmp_path, until):
    prompt_id = submit()
    client.get(f"/api/v1/prompt/{prompt_id}/status?wait=0")
    before = list((tmp_path / "data" / "wake").glob("*.sock"))

    later = held(f"/api/v1/prompt/{prompt_id}/status?wait=30")

    assert before == []
    until(lambda: len(list((tmp_path / "data" / "wake").glob("*.sock"))) == 1)
    client.delete(f"/api/v1/prompt/{prompt_id}")
    assert later.result.status_code == 404


def test_what_happened_before_anybody_listened_is_seen_at_once(app, anybody, submit, worker, monkeypatch):
    prompt_id, progress = submit(), parts(app).prompts._current
    seen = [progress.of(prompt_id)]
    worker.answer()
    monkeypatch.setattr(progress, "of", lambda _: seen.pop() if seen else progress.of_all([prompt_id])[0])
    start = time.monotonic()

    found = parts(app).prompts.hold(prompt_id, lambda one: one.prompt.outcome, Held(30, anybody, Connection({})))

    assert found.prompt.outcome == "succeeded"
    assert time.monotonic() - start < 0.9


def test_the_queue_is_asked_once_for_all_who_are_held_and_only_each_second(app, held, submit, monkeypatch, until):
    later = [held(f"/api/v1/prompt/{submit()}/status?wait=30") for _ in range(3)]
    read, asked = parts(app).reader.read, []

    class Asked:
        def __init__(self, queue):
            self._queue = queue

        def __getattr__(self, name):
            return getattr(self._queue, name)

        def progress_of(self, prompt_ids):
            asked.append((time.monotonic(), len(prompt_ids)))
            return self._queue.progress_of(prompt_ids)

    monkeypatch.setattr(parts(app).reader, "read", lambda look: read(lambda queue: look(Asked(queue))))

    until(lambda: [number for _, number in asked].count(3) == 3)

    assert [number for _, number in asked[-3:]] == [3, 3, 3]
    assert asked[-1][0] - asked[-3][0] > 1.9
    assert all(one.is_held for one in later)
    parts(app).stop()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of no other system tells that a client has gone")
def test_what_is_to_be_done_when_a_client_leaves_is_done_once_its_place_is_free(app, anybody, submit, until):
    client, here = socket.socketpair()
    places, done = parts(app).places, []
    held = Held(30, anybody, Connection({"gunicorn.socket": here}), on_gone=lambda: done.append(places.taken))
    later = Later(lambda: parts(app).prompts.hold(submit(), lambda _: False, held))
    until(lambda: places.taken)

    client.close()

    assert later.result.prompt.status == "queued"
    assert later.took < 5
    assert done == [0]
    here.close()


def test_nothing_is_done_for_a_client_that_stays(app, anybody, submit):
    client, here = socket.socketpair()
    with client, here:
        held = Held(0.3, anybody, Connection({"gunicorn.socket": here}), on_gone=lambda: 1 / 0)

        found = parts(app).prompts.hold(submit(), lambda _: False, held)

    assert found.position == 1
