"""Several proxies of one name behind nginx: each works, and one that is gone costs nothing that can be asked again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from containers.envelope import is_error
from containers.name_server import NameServer
from containers.scripted_upstream import ScriptedUpstream
from support.front_nginx import FrontNginx, resolver
from support.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

REQUESTS = 40  # of which one proxy of two gets none by chance once in a trillion times


@pytest.fixture
def proxies() -> Iterator[tuple[ScriptedUpstream, ScriptedUpstream]]:
    """Two proxies at one port of two addresses."""
    port = free_port()
    with ScriptedUpstream("127.0.0.1", port) as first, ScriptedUpstream("127.0.0.2", port) as second:
        yield first, second


@pytest.fixture
def before(nginx_program: str, tmp_path: Path) -> Callable[..., AbstractContextManager[FrontNginx]]:
    """Put nginx before these proxies."""

    @contextlib.contextmanager
    def before(*proxies: ScriptedUpstream, **changes: str) -> Iterator[FrontNginx]:
        addresses, ports = zip(*(each.address.split(":") for each in proxies), strict=True)
        with NameServer(*addresses) as names:
            nginx = FrontNginx(nginx_program, tmp_path, f"proxy:{ports[0]}", changes)
            told = resolver("nameserver 192.0.2.53\n").replace("resolver 192.0.2.53", f"resolver {names.address}")
            (tmp_path / "resolver.conf").write_text(told)
            with nginx:
                yield nginx

    return before


def test_each_of_several_proxies_gets_requests(
    proxies: tuple[ScriptedUpstream, ScriptedUpstream], before: Callable[..., AbstractContextManager[FrontNginx]]
) -> None:
    with before(*proxies) as nginx:
        statuses = [nginx.get("/api/v1/queue").status for _ in range(REQUESTS)]

    assert statuses == [200] * REQUESTS
    assert all(each.asked for each in proxies)
    assert sum(len(each.asked) for each in proxies) == REQUESTS


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_proxy_that_takes_no_connection_costs_no_request(
    proxies: tuple[ScriptedUpstream, ScriptedUpstream],
    before: Callable[..., AbstractContextManager[FrontNginx]],
    method: str,
) -> None:
    gone, there = proxies
    gone.stop()

    with before(*proxies) as nginx:
        statuses = [nginx.call(method, "/v1/messages", b"{}").status for _ in range(REQUESTS)]

    assert statuses == [200] * REQUESTS
    assert [asked.body for asked in there.asked] == [b"{}"] * REQUESTS


def test_a_look_that_a_dying_proxy_broke_off_is_answered_by_another(
    proxies: tuple[ScriptedUpstream, ScriptedUpstream], before: Callable[..., AbstractContextManager[FrontNginx]]
) -> None:
    dying, _ = proxies
    dying.hangs_up = True

    with before(*proxies) as nginx:
        statuses = [nginx.get("/api/v1/queue").status for _ in range(REQUESTS)]

    assert statuses == [200] * REQUESTS
    assert dying.asked


def test_a_question_is_never_asked_twice(
    proxies: tuple[ScriptedUpstream, ScriptedUpstream], before: Callable[..., AbstractContextManager[FrontNginx]]
) -> None:
    for each in proxies:
        each.hangs_up = True

    with before(*proxies) as nginx:
        answers = [nginx.call("POST", "/v1/chat/completions", b"{}") for _ in range(REQUESTS)]

    for answer in answers:
        is_error(answer, 502, "proxy_unavailable", "server_error")
    assert sum(len(each.asked) for each in proxies) == REQUESTS


def test_a_proxy_that_keeps_silent_is_waited_for_and_no_other_is_asked(
    proxies: tuple[ScriptedUpstream, ScriptedUpstream], before: Callable[..., AbstractContextManager[FrontNginx]]
) -> None:
    in_a_hurry = {"proxy_read_timeout 75s;": "proxy_read_timeout 1500ms;", "_timeout 70s;": "_timeout 1400ms;"}

    with before(*proxies, **in_a_hurry) as nginx:
        answer = nginx.get("/api/v1/silent")
        for each in proxies:
            each.go_on.set()

    is_error(answer, 504, "proxy_unavailable", "server_error")
    assert sum(len(each.asked) for each in proxies) == 1
