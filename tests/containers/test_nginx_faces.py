"""What nginx promises to the clients of other protocols, by one base URL for each, without a container."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING, Any

import pytest
from containers.envelope import is_error
from containers.scripted_upstream import EVENTS
from support.front_nginx import FRONTEND, FrontNginx

if TYPE_CHECKING:
    from pathlib import Path

    from containers.scripted_upstream import ScriptedUpstream

SAYS = {
    "the proxy is gone": (502, "The proxy cannot be reached right now. Try again in 5 seconds."),
    "the body is too large": (413, "The body is larger than the 32 MB that are accepted. Send a shorter prompt."),
    "the proxy is silent": (504, "The proxy did not answer in time. Try again in 5 seconds."),
}
OF_ANTHROPIC = {413: "request_too_large", 502: "api_error", 504: "api_error"}
TOO_LARGE = str(32 * 1024 * 1024 + 1)


@pytest.fixture(params=SAYS)
def failing(request: pytest.FixtureRequest, tmp_path: Path, nginx_program: str, upstream: ScriptedUpstream) -> Any:
    """An nginx that cannot have its request answered, and what it says then."""
    impatient = {"_timeout 24h;": "_timeout 100ms;"}
    with FrontNginx(nginx_program, tmp_path, upstream.address, impatient, base_path="/below") as nginx:
        if request.param == "the proxy is gone":
            upstream.stop()
        sent = {"Content_Length": TOO_LARGE} if request.param == "the body is too large" else {}
        yield nginx, sent, *SAYS[request.param]


@pytest.mark.parametrize("below", ["", "/below"])
def test_an_error_of_nginx_has_the_shape_that_a_client_of_ollama_reads(failing: Any, below: str) -> None:
    nginx, sent, status, message = failing

    answer = nginx.call("POST", f"{below}/api/silent?a=/api/v1/", None, **sent)

    assert (answer.status, answer.json) == (status, {"error": message})
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("below", ["", "/below"])
@pytest.mark.parametrize(
    ("path", "headers"),
    [("/v1/messages/silent", {}), ("/v1/messages?silent", {}), ("/v1/silent", {"anthropic-version": "2023-06-01"})],
)
def test_an_error_of_nginx_has_the_shape_that_a_client_of_anthropic_reads(
    failing: Any, below: str, path: str, headers: dict[str, str]
) -> None:
    nginx, sent, status, message = failing
    if status == 504 and path.endswith("?silent"):
        path = "/v1/messages/silent"

    answer = nginx.call("POST", below + path, None, **sent, **headers)

    said = {"type": OF_ANTHROPIC[status], "message": message}
    assert (answer.status, answer.json) == (status, {"type": "error", "error": said, "request_id": None})


@pytest.mark.parametrize("below", ["", "/below"])
def test_an_error_of_nginx_has_the_shape_that_a_client_of_openai_reads(failing: Any, below: str) -> None:
    nginx, sent, status, message = failing

    answer = nginx.call("POST", f"{below}/v1/silent?x=/v1/messages", None, **sent)

    kind = "server_error" if status >= 500 else "invalid_request_error"
    assert (answer.status, answer.json["error"]["message"], answer.json["error"]["type"]) == (status, message, kind)
    assert set(answer.json["error"]) == {"code", "message", "type", "param"}


def test_the_own_api_keeps_its_own_shape_whatever_stands_around_it(
    nginx: FrontNginx, upstream: ScriptedUpstream
) -> None:
    unknown = nginx.get("/api/../metrics")
    upstream.stop()

    is_error(unknown, 404, "not_found", "invalid_request_error")
    for path in ("/api/v1/queue", "/api/v1/prompt/api/x", "/api/v1/messages"):
        is_error(nginx.call("GET", path, anthropic_version="1"), 502, "proxy_unavailable", "server_error")


@pytest.mark.parametrize("path", ["/api/events", "/v1/events"])
def test_a_record_is_there_at_once_in_a_chunk_of_its_own(
    nginx: FrontNginx, upstream: ScriptedUpstream, path: str
) -> None:
    with socket.create_connection(("127.0.0.1", nginx.port), 10) as client:
        client.sendall(f"POST {path}?framing=chunked HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode())
        stream = client.makefile("rb")
        while stream.readline() != b"\r\n":
            pass
        first = stream.readline(), stream.read(len(EVENTS[0]))
        upstream.go_on.set()
        stream.readline()
        second = stream.readline(), stream.read(len(EVENTS[1]))

    assert [(int(size, 16), text) for size, text in (first, second)] == [(len(event), event) for event in EVENTS]


def test_a_request_that_the_proxy_broke_off_is_not_sent_to_it_again(
    nginx: FrontNginx, upstream: ScriptedUpstream
) -> None:
    for method in ("GET", "POST"):
        assert nginx.call(method, "/api/closes", None).json.keys() == {"error"}

    assert len(upstream.asked) == 2


def test_whoever_looks_whether_a_server_is_there_finds_one(nginx: FrontNginx, upstream: ScriptedUpstream) -> None:
    answer = nginx.call("HEAD", "/")

    assert (answer.status, answer.body, upstream.asked) == (200, b"", [])


def test_a_preflight_reaches_the_proxy_with_what_it_asks_for(nginx: FrontNginx, upstream: ScriptedUpstream) -> None:
    wanted = {"Origin": "https://a.example", "Access-Control-Request-Headers": "x-stainless-os,anthropic-version"}

    for path in ("/api/chat", "/v1/chat/completions", "/v1/messages"):
        assert nginx.call("OPTIONS", path, None, **wanted).status == 200

    assert all(wanted.items() <= asked.headers.items() for asked in upstream.asked)
    assert [asked.method for asked in upstream.asked] == ["OPTIONS"] * 3


def test_both_faces_wait_for_a_day(nginx: FrontNginx) -> None:
    configuration = (FRONTEND / "nginx.conf").read_text()

    [faces] = re.findall(r"location ~ \^/\(api\|v1\)/ \{(.*?)\n        \}", configuration, re.DOTALL)
    assert re.findall(r"proxy_(\w+)_timeout 24h;", faces) == ["send", "read"]
    assert json.loads(nginx.get("/api/tags").body) == {}
