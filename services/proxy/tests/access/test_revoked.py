"""A key that was revoked, or whose time is over, is served no more within two seconds, in every process."""

from __future__ import annotations

import json
import threading
import time

import pytest
from promptqueue.owners.key import Role, new_key
from servers import Server
from support.waiting import until

PROMISED = 2.0  # seconds
ASKED = {"model": "llama3.2", "messages": [{"role": "user", "content": "Why?"}]}


@pytest.fixture(scope="module", params=["gevent", "threads"])
def server(request, tmp_path_factory):
    """Two processes under Gunicorn, or the development server, where clients hear early that their call is held."""
    folder = tmp_path_factory.mktemp(request.param)
    server = Server(request.param, folder, PROXY_PROCESSES=2, PATIENCE=0.2, WHOLE_PATIENCE=0.2)
    yield server
    server.kill()


@pytest.fixture
def queue(server, queue_at):
    return queue_at(server.database_url)


class Held:
    """A request that is held, on a thread of its own."""

    def __init__(self, server, method, path, headers, body=None):
        self.text, self.status, self.ended_at = "", None, None
        self._what = (server, method, path, headers, body)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        server, method, path, headers, body = self._what
        connection = server.connection()
        try:
            connection.request(method, path, json.dumps(body) if body else None, headers)
            answer = connection.getresponse()
            self.status = answer.status
            while line := answer.readline():
                self.text += line.decode()
        except OSError:
            pass  # the connection was cut, as of an answer that has begun
        finally:
            connection.close()
            self.ended_at = time.monotonic()

    def seconds_after(self, moment):
        self._thread.join(20)
        assert self.ended_at, "still held"
        return self.ended_at - moment


@pytest.fixture
def hold(server):
    """Ask for all that is held: streams, waits and calls, several of each, so that each process has some."""

    def hold(headers):
        def submit():
            return server.post("/api/v1/prompt", {"prompt": "Why?"}, **headers).json["id"]

        held = {
            "events": [Held(server, "GET", f"/api/v1/prompt/{submit()}/events", headers) for _ in range(4)],
            "several": [Held(server, "GET", f"/api/v1/events?id={submit()}", headers) for _ in range(2)],
            "wait": [Held(server, "GET", f"/api/v1/prompt/{submit()}/status?wait=60", headers) for _ in range(4)],
            "result": [Held(server, "GET", f"/api/v1/prompt/{submit()}/result?wait=60", headers) for _ in range(2)],
            "ollama": [Held(server, "POST", "/api/chat", headers, ASKED) for _ in range(4)],
            "openai": [
                Held(server, "POST", "/v1/chat/completions", headers, {**ASKED, "stream": True}) for _ in range(4)
            ],
        }
        begun = [*held["events"], *held["several"], *held["ollama"], *held["openai"]]
        until(lambda: all(each.status == 200 for each in begun), "all are held")
        return held

    return hold


def bearer(made):
    return {"Authorization": f"Bearer {made.secret}"}


def test_whatever_is_held_open_for_a_revoked_key_ends_within_two_seconds(server, queue, hold):
    anna, bob = new_key(), new_key()
    for made, owner in ((anna, "anna"), (bob, "bob")):
        queue.add_key(made, owner=owner, role=Role.USER)
    held, of_bob = hold(bearer(anna)), hold(bearer(bob))

    queue.revoke_key(anna.name)
    revoked_at = time.monotonic()

    took = {kind: [each.seconds_after(revoked_at) for each in all_of] for kind, all_of in held.items()}
    assert max(max(each) for each in took.values()) < PROMISED, took
    assert all("event: completed" not in each.text for each in held["events"] + held["several"])
    for each in held["wait"] + held["result"]:
        assert (each.status, json.loads(each.text)["error"]["code"]) == (401, "unauthorized")
    assert all(json.loads(each.text.splitlines()[-1]).keys() == {"error"} for each in held["ollama"])
    assert all("invalid_api_key" in each.text for each in held["openai"])
    assert all(each.ended_at is None for all_of in of_bob.values() for each in all_of)
    until(lambda: [server.get("/api/v1/queue", **bearer(anna)).status for _ in range(10)] == [401] * 10)
    queue.revoke_key(bob.name)
    assert max(each.seconds_after(time.monotonic()) for all_of in of_bob.values() for each in all_of) < PROMISED


def test_no_process_answers_a_revoked_key_after_two_seconds_though_each_knew_it(server, queue):
    anna = new_key()
    queue.add_key(anna, owner="anna", role=Role.USER)
    until(lambda: all(server.get("/api/v1/queue", **bearer(anna)).status == 200 for _ in range(10)))

    queue.revoke_key(anna.name)
    revoked_at = time.monotonic()

    until(lambda: all(server.get("/api/v1/queue", **bearer(anna)).status == 401 for _ in range(10)))
    assert time.monotonic() - revoked_at < PROMISED


def test_a_stream_ends_with_the_time_of_its_key(server, queue):
    anna = new_key()
    queue.add_key(anna, owner="anna", role=Role.USER, expires_at=time.time() + 2)
    expires_at = time.monotonic() + 2
    prompt_id = server.post("/api/v1/prompt", {"prompt": "Why?"}, **bearer(anna)).json["id"]
    held = Held(server, "GET", f"/api/v1/prompt/{prompt_id}/events", bearer(anna))

    assert 0 < held.seconds_after(expires_at) < PROMISED
    assert server.get(f"/api/v1/prompt/{prompt_id}/status", **bearer(anna)).status == 401


def test_what_was_held_without_a_key_ends_once_there_is_one(serve, queue_at):
    server = serve("gevent", PROXY_PROCESSES=2)
    held = [Held(server, "GET", f"/api/v1/prompt/{server.submit()}/events", {}) for _ in range(4)]
    until(lambda: all(each.status == 200 for each in held))

    queue_at(server.database_url).add_key(new_key(), owner="anna", role=Role.USER)
    made_at = time.monotonic()

    assert max(each.seconds_after(made_at) for each in held) < PROMISED
