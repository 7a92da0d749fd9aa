"""What the frontend's nginx promises, without a container."""

from __future__ import annotations

import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import pytest
from containers.envelope import is_error
from containers.scripted_upstream import EVENTS
from proxy.config import Config
from proxy.serving.paced_socket import SLOWEST
from support.front_nginx import FRONTEND, FrontNginx, resolver
from support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from containers.scripted_upstream import ScriptedUpstream

# As all lines of the product begin (promptqueue.logs).
LINE = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO nginx 127\.0\.0\.1"
PAGE = (FRONTEND / "index.html").read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/prompt",
        "/api/v1/prompt/some-id/status?wait=30&unless=queued",
        "/api/v1/prompt/some-id/retry",
        "/api/v1/queue",
        "/api/generate",
        "/v1/chat/completions",
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/api/v1/a%2Fb%20c//d",
    ],
)
def test_a_request_reaches_the_proxy_as_it_was_sent(nginx: FrontNginx, upstream: ScriptedUpstream, path: str) -> None:
    sent = {"Idempotency-Key": "a-key-of-sixteen", "Host": "somewhere.example:8080", "Content-Type": "text/plain"}

    answer = nginx.call("POST", path, b'{"prompt": "hi"}', **sent)

    assert (answer.status, answer.body) == (200, b"{}")
    [asked] = upstream.asked
    assert (asked.method, asked.path, asked.body) == ("POST", path, b'{"prompt": "hi"}')
    assert asked.headers.items() >= sent.items()


def test_a_request_has_no_more_fields_at_the_proxy_which_counts_them_than_it_was_sent_with(
    nginx: FrontNginx, upstream: ScriptedUpstream
) -> None:
    fields = {"Host": "a"} | {f"X-{number}": "x" for number in range(31)}
    with socket.create_connection(("127.0.0.1", nginx.port), 10) as client:
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        client.sendall(f"GET /healthz HTTP/1.1\r\n{head}\r\n".encode())
        client.recv(1)

    assert upstream.asked[0].headers == fields


def test_nothing_else_reaches_the_proxy(nginx: FrontNginx, upstream: ScriptedUpstream) -> None:
    paths = ["/metrics", "/api", "/v1", "/healthz/", "/index.html", "/nginx.conf", "/nginx-error", "/api/../metrics"]

    answers = {path: nginx.get(path) for path in paths}

    assert upstream.asked == []
    for answer in answers.values():
        is_error(answer, 404, "not_found", "invalid_request_error")


def test_an_error_of_the_proxy_is_passed_on_as_it_is(nginx: FrontNginx) -> None:
    for status in (404, 405, 413, 429, 502, 503, 504):
        answer = nginx.get(f"/api/v1/{status}")

        assert (answer.status, answer.json) == (status, {"error": {"code": "its_own"}})


@pytest.mark.parametrize("framing", ["chunked", "until-it-closes"])
def test_an_event_is_there_at_once_and_not_compressed(
    nginx: FrontNginx, upstream: ScriptedUpstream, framing: str
) -> None:
    path = f"/api/v1/prompt/some-id/events?framing={framing}"

    with nginx.answered("GET", path, Accept_Encoding="gzip") as answer:
        first = answer.read1(len(EVENTS[0]))
        upstream.go_on.set()
        rest = answer.read()

    assert (first, rest) == EVENTS
    assert answer.headers["Content-Encoding"] is None
    assert answer.headers["X-Accel-Buffering"] == "no"  # a front server before this one has to hear it too


def test_a_proxy_that_is_gone_is_said_in_the_words_of_the_proxy(nginx: FrontNginx, upstream: ScriptedUpstream) -> None:
    upstream.stop()

    for path in ("/api/v1/queue", "/v1/models", "/healthz"):
        answer = nginx.get(path)

        is_error(answer, 502, "proxy_unavailable", "server_error")
        assert answer.headers["Retry-After"] == "5"


def test_a_request_is_held_for_75_seconds_and_on_the_drop_in_faces_for_a_day(
    tmp_path: Path, nginx_program: str, upstream: ScriptedUpstream
) -> None:
    in_a_hurry = {"_timeout 75s;": "_timeout 500ms;", "_timeout 24h;": "_timeout 60s;"}

    with FrontNginx(nginx_program, tmp_path, upstream.address, in_a_hurry) as nginx:
        given_up = nginx.get("/api/v1/silent")
        with ThreadPoolExecutor() as pool:
            held = [pool.submit(nginx.call, "GET", path) for path in ("/v1/silent", "/api/silent")]
            done, _ = wait(held, timeout=1)
            upstream.go_on.set()

    is_error(given_up, 504, "proxy_unavailable", "server_error")
    assert done == set()
    assert [one.result().status for one in held] == [200, 200]


def test_a_body_of_32_megabytes_passes_and_one_byte_more_is_refused(
    nginx: FrontNginx, upstream: ScriptedUpstream
) -> None:
    largest = bytes(32 * 1024 * 1024)

    passed = nginx.call("POST", "/api/v1/prompt", largest)
    refused = nginx.call("POST", "/api/v1/prompt", None, Content_Length=str(len(largest) + 1))

    assert (passed.status, len(upstream.asked[0].body)) == (200, len(largest))
    is_error(refused, 413, "too_large", "invalid_request_error")
    assert len(upstream.asked) == 1


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", 431),
        (b"POST /api/v1/prompt HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: bogus\r\n\r\n", 501),
        (b"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    ],
)
def test_what_is_no_request_is_refused_in_the_same_shape(nginx: FrontNginx, request_line: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", nginx.port), 10) as client:
        client.sendall(request_line)
        head, _, body = client.makefile("rb").read().partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 %d " % status)
    error = json.loads(body)["error"]
    assert (error["code"], error["type"]) == ("invalid_request", "invalid_request_error")


def test_the_log_names_the_path_and_nothing_that_somebody_wrote(nginx: FrontNginx) -> None:
    nginx.call("POST", "/api/v1/prompt?secret=question", b'{"prompt": "secret body"}')

    line = until(nginx.log.read_text, "there is a line in the log")
    assert re.fullmatch(rf"{LINE} POST /api/v1/prompt 200 2 \d\.\d{{3}}s\n", line)
    assert "secret" not in line


def test_nor_does_it_when_the_proxy_is_gone(nginx: FrontNginx, upstream: ScriptedUpstream) -> None:
    upstream.stop()

    nginx.get("/api/v1/queue?secret=question")

    line = until(nginx.log.read_text, "there is a line in the log")
    assert " WARNING nginx 127.0.0.1 GET /api/v1/queue 502 " in line
    assert "secret" not in line


@pytest.mark.parametrize(
    ("resolv_conf", "address"),
    [
        ("nameserver 127.0.0.11\noptions ndots:0\n", "127.0.0.11"),
        ("# nameserver 192.0.2.1\nsearch dns.podman\nnameserver\t10.89.0.1\n", "10.89.0.1"),
        ("nameserver fd00::1\n", "[fd00::1]"),
        ("nameserver 10.89.0.1", "10.89.0.1"),  # no line end
        # The second is asked only if the first is silent, and knows no container: nginx would take turns.
        ("nameserver 10.89.0.1\nnameserver 192.0.2.53\n", "10.89.0.1"),
        ("nameserver fe80::1%eth0\nnameserver 192.0.2.53\n", "192.0.2.53"),  # nginx knows no zones
        ("", "127.0.0.1"),  # as the C library reads it
    ],
)
def test_names_are_asked_of_the_server_that_the_system_asks(
    nginx_program: str, tmp_path: Path, upstream: ScriptedUpstream, resolv_conf: str, address: str
) -> None:
    assert f"resolver {address} " in resolver(resolv_conf)

    with FrontNginx(nginx_program, tmp_path, upstream.address, resolv_conf=resolv_conf) as nginx:
        assert nginx.get("/api/v1/queue").status == 200


def test_the_log_says_why_a_proxy_was_not_found(nginx_program: str, tmp_path: Path) -> None:
    quickly = {"resolver_timeout 5s;": "resolver_timeout 50ms;"}

    with FrontNginx(nginx_program, tmp_path, "proxy:8000", quickly, "nameserver 127.0.0.9\n") as nginx:
        answer = nginx.get("/api/v1/queue?secret=question")

        line = until(nginx.log.read_text, "there is a line in the log")
    is_error(answer, 502, "proxy_unavailable", "server_error")
    assert " WARNING nginx 127.0.0.1 GET /api/v1/queue 502 " in line
    assert line.endswith("s the name server 127.0.0.9 does not know proxy:8000, or does not answer\n")


def test_the_log_says_why_a_proxy_did_not_answer(
    tmp_path: Path, nginx_program: str, upstream: ScriptedUpstream
) -> None:
    with FrontNginx(nginx_program, tmp_path, upstream.address, {"read_timeout 75s;": "read_timeout 1s;"}) as nginx:
        for path in ("/api/v1/silent", "/api/v1/closes", "/api/v1/502", "/api/v1/queue"):
            nginx.get(path)
        upstream.stop()
        nginx.get("/api/v1/queue")

        lines = until(lambda: (told := nginx.log.read_text().splitlines())[4:] and told, "there are five lines")
    assert [re.split(r"\d\.\d{3}s ?", line)[1] for line in lines] == [
        f"{upstream.address} did not answer in time",
        f"{upstream.address} closed the connection without an answer",
        "",  # its own
        "",
        f"{upstream.address} takes no connection",
    ]


def test_a_head_that_comes_slowly_has_ten_seconds() -> None:
    assert re.findall(r"client_header_timeout (\S+);", (FRONTEND / "nginx.conf").read_text()) == ["10s"]


def test_a_body_that_stalls_is_given_up_by_the_proxy_which_says_so_and_not_by_nginx() -> None:
    [minutes] = re.findall(r"client_body_timeout (\d+)m;", (FRONTEND / "nginx.conf").read_text())
    [seconds] = re.findall(r"(?m)^keepalive = (\d+)$", (FRONTEND.parent / "proxy/gunicorn.conf.py").read_text())

    assert int(minutes) * 60 > int(seconds) + Config().max_prompt_bytes / SLOWEST


def test_health_checks_fill_no_log(nginx: FrontNginx) -> None:
    for _ in range(3):
        nginx.get("/nginx-health")
    nginx.get("/healthz")

    assert re.match(f"{LINE} GET /healthz ", until(nginx.log.read_text, "there is a line in the log"))
