"""What the frontend's nginx promises, without a container."""

from __future__ import annotations

import gzip
import http.client
import json
import re
import socket
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

import pytest
from containers.scripted_upstream import EVENTS
from promptqueue.settings import Misconfigured, read
from proxy.config import Config
from proxy.gevent_worker import SLOWEST
from proxy.serving.headers import FIXED
from support.front_nginx import FRONTEND, FrontNginx, below, resolver
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from containers.scripted_upstream import ScriptedUpstream
    from support.client import Reply

# As all lines of the product begin (promptqueue.logline).
LINE = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO nginx 127\.0\.0\.1"
PAGE = (FRONTEND / "index.html").read_bytes()
EXPOSED_HEADERS = {"Location", "Retry-After", "X-Prompt-Id", "Date"}  # as the proxy's


def test_the_page_comes_whole_and_with_the_headers_that_the_proxy_gives_it(nginx: FrontNginx) -> None:
    answer = nginx.get("/")

    assert (answer.status, answer.body) == (200, PAGE)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert {name: answer.headers[name] for name in FIXED} == FIXED
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "status"), [("/", 200), ("/nginx-health", 200), ("/nothing", 404), ("/nginx-error", 404)]
)
def test_whatever_nginx_answers_itself_has_the_fixed_headers(nginx: FrontNginx, path: str, status: int) -> None:
    answer = nginx.get(path)

    assert answer.status == status
    assert {name: answer.headers[name] for name in FIXED} == FIXED


def test_the_page_is_compressed_for_whoever_takes_it_so(nginx: FrontNginx) -> None:
    answer = nginx.get("/", Accept_Encoding="gzip")

    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == PAGE
    assert len(answer.body) < len(gzip.compress(PAGE, 6)) * 1.05


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_page_that_has_not_changed_is_not_sent_again(nginx: FrontNginx, encoding: str) -> None:
    first = nginx.get("/", Accept_Encoding=encoding)

    second = nginx.get("/", Accept_Encoding=encoding, If_None_Match=first.headers["ETag"])

    assert (second.status, second.body) == (304, b"")
    assert second.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "header", [{"If-Match": '"another"'}, {"If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}]
)
def test_a_version_of_the_page_that_is_gone_is_said_in_the_words_of_the_proxy(
    nginx: FrontNginx, header: dict[str, str]
) -> None:
    _is_error(nginx.get("/", **header), 412, "invalid_request", "invalid_request_error")


@pytest.mark.parametrize("part", ["0-9", "99999999-"])
def test_the_page_comes_whole_to_whoever_asks_for_a_part(nginx: FrontNginx, part: str) -> None:
    answer = nginx.get("/", Range=f"bytes={part}")

    assert (answer.status, answer.body) == (200, PAGE)


def test_head_of_the_page_is_its_headers_alone(nginx: FrontNginx) -> None:
    answer = nginx.call("HEAD", "/")

    assert (answer.status, answer.body) == (200, b"")
    assert {name: answer.headers[name] for name in FIXED} == FIXED
    assert answer.headers["Cache-Control"] == "no-cache"


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
        _is_error(answer, 404, "not_found", "invalid_request_error")


def test_an_error_of_the_proxy_is_passed_on_as_it_is(nginx: FrontNginx) -> None:
    for status in (404, 405, 413, 429, 502, 503, 504):
        answer = nginx.get(f"/api/v1/{status}")

        assert (answer.status, answer.json) == (status, {"error": {"code": "its_own"}})


@pytest.mark.parametrize("framing", ["chunked", "until-it-closes"])
def test_an_event_is_there_at_once_and_not_compressed(
    nginx: FrontNginx, upstream: ScriptedUpstream, framing: str
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
    path = f"/api/v1/prompt/some-id/events?framing={framing}"
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()

    first = answer.read1(len(EVENTS[0]))
    upstream.go_on.set()
    rest = answer.read()

    assert (first, rest) == EVENTS
    assert answer.headers["Content-Encoding"] is None
    assert answer.headers["X-Accel-Buffering"] == "no"  # a front server before this one has to hear it too
    connection.close()


def test_a_proxy_that_is_gone_is_said_in_the_words_of_the_proxy(nginx: FrontNginx, upstream: ScriptedUpstream) -> None:
    upstream.stop()

    for path in ("/api/v1/queue", "/v1/models", "/api/tags", "/healthz"):
        answer = nginx.get(path)

        _is_error(answer, 502, "proxy_unavailable", "server_error")
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

    _is_error(given_up, 504, "proxy_unavailable", "server_error")
    assert done == set()
    assert [one.result().status for one in held] == [200, 200]


def test_the_page_comes_while_the_proxy_is_gone(nginx: FrontNginx, upstream: ScriptedUpstream) -> None:
    upstream.stop()

    assert nginx.get("/").body == PAGE
    assert nginx.get("/nginx-health").body == b"ok\n"


def test_a_method_that_the_page_does_not_take_is_refused_with_those_it_takes(nginx: FrontNginx) -> None:
    answer = nginx.call("POST", "/", b"{}")

    _is_error(answer, 405, "method_not_allowed", "invalid_request_error")
    assert answer.headers["Allow"] == "GET, HEAD"


def test_a_body_of_32_megabytes_passes_and_one_byte_more_is_refused(
    nginx: FrontNginx, upstream: ScriptedUpstream
) -> None:
    largest = bytes(32 * 1024 * 1024)

    passed = nginx.call("POST", "/api/v1/prompt", largest)
    refused = nginx.call("POST", "/api/v1/prompt", None, Content_Length=str(len(largest) + 1))

    assert (passed.status, len(upstream.asked[0].body)) == (200, len(largest))
    _is_error(refused, 413, "too_large", "invalid_request_error")
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
    _is_error(answer, 502, "proxy_unavailable", "server_error")
    assert " WARNING nginx 127.0.0.1 GET /api/v1/queue 502 " in line
    assert line.endswith("s the name server 127.0.0.9 does not know proxy:8000, or does not answer\n")


def test_the_log_says_why_a_proxy_did_not_answer(
    tmp_path: Path, nginx_program: str, upstream: ScriptedUpstream
) -> None:
    with FrontNginx(nginx_program, tmp_path, upstream.address, {"read_timeout 75s;": "read_timeout 50ms;"}) as nginx:
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


@pytest.fixture
def below_a_path(nginx_program: str, tmp_path: Path, upstream: ScriptedUpstream) -> Iterator[FrontNginx]:
    """The same with BASE_PATH=/a/b.c, where a server in front leaves the path on."""
    with FrontNginx(nginx_program, tmp_path, upstream.address, base_path="/a/b.c") as running:
        yield running


@pytest.mark.parametrize("before", ["", "/a/b.c"])
def test_whether_or_not_a_server_in_front_takes_the_base_path_off_everything_is_there(
    below_a_path: FrontNginx, upstream: ScriptedUpstream, before: str
) -> None:
    page = below_a_path.get(f"{before}/")
    answer = below_a_path.call("POST", f"{before}/api/v1/prompt?wait=1", b"{}", Host="somewhere.example:8080")
    error = below_a_path.get(f"{before}/nothing")
    upstream.stop()

    assert (page.status, page.body) == (200, PAGE)
    assert {name: page.headers[name] for name in FIXED} == FIXED
    assert (answer.status, answer.body) == (200, b"{}")
    [asked] = upstream.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/api/v1/prompt?wait=1", b"{}")
    assert asked.headers["Host"] == "somewhere.example:8080"
    _is_error(error, 404, "not_found", "invalid_request_error")
    _is_error(below_a_path.get(f"{before}/healthz"), 502, "proxy_unavailable", "server_error")


def test_an_event_below_the_base_path_is_there_at_once(below_a_path: FrontNginx, upstream: ScriptedUpstream) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", below_a_path.port, timeout=10)
    connection.request("GET", "/a/b.c/api/v1/prompt/some-id/events?framing=chunked")
    answer = connection.getresponse()

    first = answer.read1(len(EVENTS[0]))
    upstream.go_on.set()

    assert (first, answer.read()) == EVENTS
    connection.close()


def test_whoever_leaves_out_the_last_slash_of_the_base_path_is_led_to_it_on_the_same_host(
    below_a_path: FrontNginx,
) -> None:
    answer = below_a_path.get("/a/b.c")

    assert (answer.status, answer.headers["Location"]) == (301, "/a/b.c/")
    assert below_a_path.get("/a/bxc/").status == 404


def test_an_address_of_nginx_goes_before_the_base_path(
    nginx_program: str, tmp_path: Path, upstream: ScriptedUpstream
) -> None:
    with FrontNginx(nginx_program, tmp_path, upstream.address, base_path="/api") as nginx:
        nginx.get("/api/v1/queue")
        nginx.get("/api/api/v1/queue")  # the proxy takes it off as well

    assert [asked.path for asked in upstream.asked] == ["/api/v1/queue", "/api/api/v1/queue"]


@pytest.mark.parametrize("value", ["ollama", "/", "/ollama/", "/a//b", "/a/../b", "/a b", "/a;}", "/a$b", "/ä"])
def test_a_base_path_that_is_none_is_told_in_one_sentence_as_the_proxy_does(value: str) -> None:
    refused = below(value)
    with pytest.raises(Misconfigured) as proxy:
        read(Config, {"BASE_PATH": value})

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == f"{proxy.value}\n"


@pytest.mark.parametrize("value", ["", " "])
def test_a_blank_base_path_is_none(value: str) -> None:
    none = below(value)

    assert (none.returncode, none.stdout, none.stderr) == (0, "", "")


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


def _is_error(answer: Reply, status: int, code: str, kind: str) -> None:
    error = answer.json["error"]
    assert (answer.status, error["code"], error["type"]) == (status, code, kind)
    assert set(error) == {"code", "message", "type", "param"}
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) == EXPOSED_HEADERS
    assert answer.headers["Cache-Control"] == "no-store"
    assert {name: answer.headers[name] for name in FIXED} == FIXED
