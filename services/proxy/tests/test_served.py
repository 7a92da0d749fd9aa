"""The proxy as a process: held requests beside others, locks, journals, several processes, the end, the log."""

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest
from promptqueue import connect
from promptqueue.sqlite.host.turnstile import Turnstile

KINDS = ["gevent", "threads"]


def in_threads(count, do):
    """Do something so many times at once; what came of each."""
    results = []
    threads = [threading.Thread(target=lambda: results.append(do()), daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()

    def join():
        for thread in threads:
            thread.join(30)
        assert len(results) == count
        return results

    return join


def ears(server):
    """Find the sockets that this server hears of changes by: it opens one when the first request is held."""
    return list((server.folder / "data" / "wake").glob("*.sock"))


def test_ten_held_requests_stop_no_other_and_all_hear_the_end(server, hire_at):
    prompt_id = server.submit()
    worker = hire_at(server.database_url)
    claim = worker.claim()
    answers = in_threads(10, lambda: server.get(f"/api/v1/prompt/{prompt_id}/result?wait=30"))

    start = time.monotonic()
    others = [server.get(f"/api/v1/prompt/{prompt_id}/status").json["status"] for _ in range(20)]
    assert time.monotonic() - start < 5
    worker.finish(claim)

    assert others == ["processing"] * 20
    assert [answer.json["outcome"] for answer in answers()] == ["succeeded"] * 10
    assert time.monotonic() - start < 15


def test_many_submissions_at_once_are_all_accepted_and_stand_in_one_line(serve):
    server = serve("gevent")

    accepted = in_threads(16, lambda: [server.post("/api/v1/prompt", {"prompt": "Why?"}) for _ in range(5)])()

    replies = [reply for several in accepted for reply in several]
    assert {reply.status for reply in replies} == {202}
    assert sorted(reply.json["position"] for reply in replies) == list(range(1, 81))
    assert len({reply.json["id"] for reply in replies}) == 80


def test_a_locked_database_stops_submissions_after_five_seconds_and_nothing_else(serve):
    server = serve("gevent")
    prompt_id = server.submit()
    turnstile = Turnstile(server.folder / "data")
    turnstile.enter(5)

    start = time.monotonic()
    refused = in_threads(3, lambda: server.post("/api/v1/prompt", {"prompt": "Why?"}))
    reads, slowest = 0, 0.0
    while time.monotonic() - start < 3:
        begun = time.monotonic()
        assert server.get(f"/api/v1/prompt/{prompt_id}/status").status == 200
        slowest = max(slowest, time.monotonic() - begun)
        reads += 1
    replies = refused()
    took = time.monotonic() - start
    turnstile.leave()

    assert [(reply.status, reply.code) for reply in replies] == [(503, "storage_unavailable")] * 3
    assert {reply.headers["Retry-After"] for reply in replies} == {"5"}
    assert 4.5 < took < 9
    assert reads > 20
    assert slowest < 2
    assert (
        server.post("/api/v1/prompt", {"prompt": "Why?"}).json["position"] == 2
    )  # nothing of the others came after all


def test_among_greenlets_a_wait_for_the_database_has_its_bound_and_stops_no_other(tmp_path):
    url = f"sqlite:///{tmp_path}/queue.db"
    program = """
import gevent.monkey
gevent.monkey.patch_all()
import gevent, sys, time
from promptqueue import connect
from promptqueue.errors import StorageUnavailable
from proxy.serving.concurrency import current

concurrency, ticks = current(), []
queue = concurrency.apart(connect(sys.argv[1], lock_timeout=0.3, threads=concurrency.native).open)

def tick():
    while True:
        ticks.append(1)
        gevent.sleep(0.01)

def write():
    started = time.monotonic()
    try:
        queue.pause(True)
    except StorageUnavailable:
        return time.monotonic() - started

gevent.spawn(tick)
print(0.3 <= concurrency.apart(write) < 3, len(ticks) > 5)
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with closing(connect(url).open()) as queue, queue.transaction():
        said = subprocess.run(
            [sys.executable, "-c", program, url], env=environ, check=True, capture_output=True, text=True, timeout=30
        )

    assert said.stdout.split() == ["True", "True"]


@pytest.mark.parametrize("kind", KINDS)
def test_everything_works_with_a_rollback_journal(serve, kind, hire_at, record, until):
    server = serve(kind, JOURNAL_MODE="persist")
    worker = hire_at(server.database_url, "persist")
    waited = 0.0
    for _ in range(8):
        prompt_id = server.submit()
        path = f"/api/v1/prompt/{prompt_id}/result?wait=30"
        waiting = in_threads(3, lambda path=path: server.get(path))
        until(lambda: ears(server) and server.serving == 3)
        start = time.monotonic()
        worker.answer()
        assert [answer.json["response"] for answer in waiting()] == [record["response"]] * 3
        waited += time.monotonic() - start

    assert waited < 3  # eight wake-ups; looking once a second would take four seconds
    assert server.get("/healthz").json["database"]["journal_mode"] == "persist"
    assert server.get("/api/v1/queue").json["queued"] == 0
    assert server.get(f"/api/v1/prompt/{prompt_id[:-4]}0000/status").code == "not_found"
    assert server.traceback == ""


def test_two_processes_serve_one_queue(serve, until):
    server = serve("gevent", PROXY_PROCESSES=2)
    prompt_id = server.submit()
    answers = in_threads(8, lambda: server.get(f"/api/v1/prompt/{prompt_id}/status?wait=30"))
    until(lambda: ears(server) and server.serving == 8)

    server.call("POST", f"/api/v1/prompt/{prompt_id}/cancel")

    assert [answer.json["outcome"] for answer in answers()] == ["cancelled"] * 8


@pytest.mark.parametrize("kind", KINDS)
def test_told_to_stop_it_answers_who_is_held_and_leaves_nothing_behind(serve, kind, until):
    server = serve(kind)
    prompt_id = server.submit()
    idle = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    idle.request("GET", "/healthz")
    idle.getresponse().read()  # and keeps its connection
    answers = in_threads(10, lambda: (server.get(f"/api/v1/prompt/{prompt_id}/status?wait=60"), time.monotonic()))
    until(lambda: ears(server) and server.serving == (11 if kind == "gevent" else 10))
    told = time.monotonic()

    took = server.stop()

    assert [(reply.status, reply.json["status"]) for reply, _ in answers()] == [(200, "queued")] * 10
    assert max(at for _, at in answers()) - told < 3
    assert took < 8
    assert server.process.returncode == 0
    assert ears(server) == []
    assert server.traceback == ""
    idle.close()


@pytest.mark.parametrize("moment", range(5))
def test_told_to_stop_while_it_starts_it_stops(serve, moment, until):
    server = serve("gevent", starts=False)
    until(lambda: "Booting worker" in server.log)
    time.sleep(moment * 0.05)  # somewhere in its start

    assert server.stop() < 8


def test_what_was_accepted_outlives_a_kill(serve, queue_at):
    server = serve("gevent")
    accepted = [server.submit() for _ in range(5)]

    server.process.kill()
    server.process.wait()

    assert [queue_at(server.database_url).get(prompt_id).status for prompt_id in accepted] == ["queued"] * 5


def test_one_event_is_one_line_and_no_line_tells_secrets(serve):
    server = serve("gevent")
    key = "a-very-secret-key-of-a-client"
    prompt_id = server.post("/api/v1/prompt", {"prompt": "a very secret question"}, Idempotency_Key=key).json["id"]
    server.post("/api/v1/prompt", {"prompt": "another secret"}, Idempotency_Key=key)
    server.post("/api/v1/prompt", b'{"prompt": "secret and broken')
    server.call("POST", f"/api/v1/prompt/{prompt_id}/cancel")
    server.call("DELETE", f"/api/v1/prompt/{prompt_id}")
    server.stop()

    assert f"prompt accepted id={prompt_id} position=1 bytes=36" in server.log
    assert f"prompt cancelled id={prompt_id}" in server.log
    assert f"prompt deleted id={prompt_id}" in server.log
    assert "secret" not in server.log
    assert "GET /healthz" not in server.log  # no access log


def test_at_debug_there_is_an_access_log(serve):
    server = serve("gevent", LOG_LEVEL="debug")
    server.get("/api/v1/queue")
    server.stop()

    assert '"GET /api/v1/queue HTTP/1.1" 200' in server.log


def test_no_line_quotes_a_query_or_what_is_no_request(serve):
    server = serve("gevent", LOG_LEVEL="debug")
    server.get("/api/v1/queue?key=secret", Referer="http://localhost/?key=secret")
    for line in (b"Authorization Bearer secret", b"Authorization : Bearer secret", b"secret: a\x00", b" secret"):
        server.raw(b"GET / HTTP/1.1\r\nHost: a\r\n" + line + b"\r\n\r\n")
    for line in (b"secret / HTTP/1.1", b"GET /secret", b"GET / secret", b"GET /secret HTTP/9.9"):
        server.raw(line + b"\r\nHost: a\r\n\r\n")
    server.stop()

    assert "Invalid request from ip=127.0.0.1: Invalid" in server.log
    assert "secret" not in server.log


def test_without_gunicorn_no_line_quotes_them_either(serve):
    server = serve("threads", LOG_LEVEL="debug")
    server.get("/api/v1/queue?key=secret", Referer="http://localhost/?key=secret")
    for line in (b"secret", b"GET / secret", b"GET /?secret HTTP/9.9"):
        server.raw(line + b"\r\nHost: a\r\n\r\n")
    server.stop()

    assert '"GET /api/v1/queue" 200' in server.log
    assert "secret" not in server.log


@pytest.mark.parametrize("path", ["/", "/api/v1/queue"])
def test_an_answer_has_one_date(server, path):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        head = connection.makefile("rb").read().partition(b"\r\n\r\n")[0]

    assert head.count(b"\r\nDate: ") == 1


@pytest.mark.parametrize(
    ("request_bytes", "statuses"),
    [
        (b"GET /a space HTTP/1.1\r\n\r\n", {400}),
        (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", {505}),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", {414}),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", {431}),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 150 + b"\r\n", {431}),
    ],
    ids=["no HTTP", "a version of the future", "a long address", "a long header", "many headers"],
)
def test_what_is_no_request_is_refused_in_the_shape_of_all_errors(server, request_bytes, statuses):
    refused = server.raw(request_bytes)

    assert refused.status in statuses
    assert refused.json["error"].keys() == {"code", "message", "type", "param"}
    assert (refused.code, refused.headers["Content-Type"]) == ("invalid_request", "application/json; charset=utf-8")
    assert (refused.headers["Access-Control-Allow-Origin"], refused.headers["Cache-Control"]) == ("*", "no-store")
    assert "Date" in refused.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"Content-Length: 1\r\nContent-Length: 2\r\n", 400),
        (b"Content-Length: many\r\n", 400),
        (b"Expect: 200-ok\r\n", 417),
        (b"Transfer-Encoding: unheard-of\r\n", 501),
    ],
)
def test_gunicorn_s_own_refusals_have_the_shape_of_all_errors(gunicorn, headers, status):
    refused = gunicorn.raw(b"POST /api/v1/prompt HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n")

    assert (refused.status, refused.code) == (status, "invalid_request")


def test_the_page_is_at_the_root(server):
    page = server.get("/")
    head = server.call("HEAD", "/")

    assert page.status == head.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"<!doctype html>" in page.body.lower()
    assert head.body == b""


def test_an_id_of_any_length_is_not_found(server):
    assert (server.get(f"/api/v1/prompt/{'a' * 5_000}/status").status) == 404


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_that_is_not_understood_ends_the_process_with_a_sentence(kind, service, tmp_path):
    command = ["gunicorn", "-c", str(service / "gunicorn.conf.py"), "proxy.wsgi:app"] if kind == "gevent" else ["proxy"]
    environment = {
        "PYTHONPATH": ":".join(path for path in sys.path if path),
        "MAX_PROMPT_BYTES": "lots",
        "PROXY_PORT": "0",
    }

    ended = subprocess.run(
        [sys.executable, "-m", *command],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        "PROXY_PORT must be a whole number from 1 to 65535, got '0'.",
        "MAX_PROMPT_BYTES must be a whole number from 1 to 33554432, got 'lots'.",
    ]
