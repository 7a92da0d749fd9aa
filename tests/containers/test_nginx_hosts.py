"""By which names nginx's own page may be called, without a container; what the proxy answers it checks itself."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest
from promptqueue.settings import Misconfigured, read
from proxy.config import Config
from proxy.errors import MISDIRECTED
from support.front_nginx import FrontNginx, called

if TYPE_CHECKING:
    from pathlib import Path

    from containers.scripted_upstream import ScriptedUpstream

OWN = ["/", "/nginx-health", "/nothing"]


@pytest.mark.parametrize("path", OWN)
@pytest.mark.parametrize("host", ["evil.test", "evil.test:8080", "127.0.0.1.evil.test", "localhost.evil.test"])
def test_nothing_of_nginxs_own_is_served_under_a_foreign_name(nginx: FrontNginx, host: str, path: str) -> None:
    answer = nginx.call("GET", path, Host=host)

    assert answer.status == 421
    error = {"code": "misdirected_request", "type": "invalid_request_error", "param": "Host", "message": MISDIRECTED}
    assert json.loads(answer.body) == {"error": error}
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "10.0.0.7", "[::1]:8080", "localhost", "LOCALHOST.:8080", "app.localhost", "nas"]
)
def test_the_page_is_served_by_address_as_localhost_and_by_a_name_without_a_dot(nginx: FrontNginx, host: str) -> None:
    assert nginx.call("GET", "/", Host=host).status == 200


def test_a_health_check_names_no_host_and_is_answered(nginx: FrontNginx) -> None:
    with socket.create_connection(("127.0.0.1", nginx.port), 10) as client:
        client.sendall(b"GET /nginx-health HTTP/1.0\r\n\r\n")  # as the image's own
        assert client.makefile("rb").readline().split()[1] == b"200"


@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [
        ("nas.local, AI.example.com.,ai.example.com", "ai.example.com", 200),
        ("nas.local, AI.example.com.", "nas.local:8080", 200),
        ("ai.example.com", "www.ai.example.com", 421),
        ("ai.example.com", "aixexample.com", 421),
        ("*", "anything.at.all", 200),
    ],
)
def test_the_page_is_served_under_a_name_that_was_allowed_and_under_no_other(
    nginx_program: str, tmp_path: Path, upstream: ScriptedUpstream, allowed: str, host: str, status: int
) -> None:
    with FrontNginx(nginx_program, tmp_path, upstream.address, allowed_hosts=allowed) as nginx:
        assert nginx.call("GET", "/", Host=host).status == status


@pytest.mark.parametrize("value", ["http://ai.example.com", "ai.example.com:443", "*.example.com", "a b", ".a", "a;}"])
def test_names_that_are_none_are_told_in_one_sentence_as_the_proxy_does(value: str) -> None:
    refused = called(value)
    with pytest.raises(Misconfigured) as proxy:
        read(Config, {"ALLOWED_HOSTS": value})

    assert refused.returncode == 2
    assert refused.stderr == f"{proxy.value}\n"


@pytest.mark.parametrize("value", ["", " ", ","])
def test_no_names_are_none(value: str) -> None:
    none = called(value)

    assert (none.returncode, none.stdout, none.stderr) == (0, "", "")
