"""How nginx serves the page, without a container."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from containers.envelope import is_error
from proxy.serving.headers import FIXED
from support.front_nginx import FRONTEND, FrontNginx

if TYPE_CHECKING:
    from containers.scripted_upstream import ScriptedUpstream


PAGE = (FRONTEND / "index.html").read_bytes()


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
    is_error(nginx.get("/", **header), 412, "invalid_request", "invalid_request_error")


@pytest.mark.parametrize("part", ["0-9", "99999999-"])
def test_the_page_comes_whole_to_whoever_asks_for_a_part(nginx: FrontNginx, part: str) -> None:
    answer = nginx.get("/", Range=f"bytes={part}")

    assert (answer.status, answer.body) == (200, PAGE)


def test_head_of_the_page_is_its_headers_alone(nginx: FrontNginx) -> None:
    answer = nginx.call("HEAD", "/")

    assert (answer.status, answer.body) == (200, b"")
    assert {name: answer.headers[name] for name in FIXED} == FIXED
    assert answer.headers["Cache-Control"] == "no-cache"


def test_the_page_comes_while_the_proxy_is_gone(nginx: FrontNginx, upstream: ScriptedUpstream) -> None:
    upstream.stop()

    assert nginx.get("/").body == PAGE
    assert nginx.get("/nginx-health").body == b"ok\n"


def test_a_method_that_the_page_does_not_take_is_refused_with_those_it_takes(nginx: FrontNginx) -> None:
    answer = nginx.call("POST", "/", b"{}")

    is_error(answer, 405, "method_not_allowed", "invalid_request_error")
    assert answer.headers["Allow"] == "GET, HEAD"
