"""What nginx makes of a BASE_PATH, without a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from containers.envelope import is_error
from containers.scripted_upstream import EVENTS
from promptqueue.settings import Misconfigured, read
from proxy.config import Config
from proxy.serving.headers import FIXED
from support.front_nginx import FRONTEND, FrontNginx, below

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from containers.scripted_upstream import ScriptedUpstream


PAGE = (FRONTEND / "index.html").read_bytes()


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
    is_error(error, 404, "not_found", "invalid_request_error")
    is_error(below_a_path.get(f"{before}/healthz"), 502, "proxy_unavailable", "server_error")


def test_an_event_below_the_base_path_is_there_at_once(below_a_path: FrontNginx, upstream: ScriptedUpstream) -> None:
    path = "/a/b.c/api/v1/prompt/some-id/events?framing=chunked"

    with below_a_path.answered("GET", path) as answer:
        first = answer.read1(len(EVENTS[0]))
        upstream.go_on.set()
        rest = answer.read()

    assert (first, rest) == EVENTS


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
