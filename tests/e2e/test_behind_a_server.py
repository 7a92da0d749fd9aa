"""The product behind Caddy and nginx, set as the README says, with TLS, at an address of its own and below a path."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from support import ROOT, machine
from support.front_door import FrontDoor
from support.ports import free_port
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.stack import Stack

README = (ROOT / "README.md").read_text()
CADDY, CADDY_BELOW = re.findall(r"^```caddyfile\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
NGINX, NGINX_BELOW = re.findall(r"^```nginx\n(.*?)^```", README, re.MULTILINE | re.DOTALL)

PRODUCT = "127.0.0.1:8000"
OFF = "location /ollama/ {\n    proxy_pass http://127.0.0.1:8000/;"


def of_caddy(block: str, port: int, certificate: Path, product: str) -> tuple[str, str]:
    """What runs, and its configuration: the README's block under an address and with a certificate of the test."""
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("no caddy; on Debian: apt-get install caddy")
    named = re.sub(r"^\w+\.example\.com \{", f"https://localhost:{port} {{\n\ttls {certificate} {certificate}", block)
    assert named != block
    return f"{program} run --adapter caddyfile --config", "{\n\tadmin off\n}\n" + named.replace(PRODUCT, product)


def of_nginx(block: str, port: int, certificate: Path, product: str) -> tuple[str, str]:
    program = machine.nginx()
    if "server {" not in block:
        block = NGINX[: NGINX.index("    location")] + block + "}\n"
    for there, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("server_name ai.example.com", "server_name localhost"),
        ("/etc/ssl/ai.example.com.pem", str(certificate)),
        ("/etc/ssl/ai.example.com.key", str(certificate)),
        (PRODUCT, product),
    ):
        assert there in block
        block = block.replace(there, here)
    folder = certificate.parent
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi"))
    # As root, nginx would work as a user who may not see the test's folder.
    user = "user root;" if os.geteuid() == 0 else ""
    whole = f"{user}\npid {folder}/pid;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{block}}}\n"
    return f"{program} -g 'daemon off;' -e stderr -c", whole


SERVERS = {
    "caddy": (of_caddy, CADDY, ""),
    "nginx": (of_nginx, NGINX, ""),
    "caddy below a path": (of_caddy, CADDY_BELOW, "/ollama"),
    "nginx below a path": (of_nginx, NGINX_BELOW, "/ollama"),
    "nginx that takes the path off": (of_nginx, re.sub(r"location .*\n.*;", OFF, NGINX_BELOW), "/ollama"),
}


@pytest.fixture(params=SERVERS)
def door(request: pytest.FixtureRequest, build: Callable[..., Stack], tmp_path: Path) -> Iterator[FrontDoor]:
    """A client of the server in front of a product."""
    configured, block, path = SERVERS[request.param]
    port, certificate = free_port(), tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, "-keyout", certificate]
    subprocess.run([*make, "-out", tmp_path / "out.pem"], capture_output=True, check=True)
    certificate.write_text(certificate.read_text() + (tmp_path / "out.pem").read_text())
    stack = build(BASE_PATH=path)
    command, configuration = configured(block, port, certificate, stack.url.removeprefix("http://"))
    file = tmp_path / "server.conf"
    file.write_text(configuration)
    stack.start()
    until(lambda: stack.get("/readyz").status == 200, "the product is ready")
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(["bash", "-c", f"exec {command} {file}"], stdout=log, stderr=log)
    try:
        door = FrontDoor(f"https://localhost:{port}{path}", tmp_path / "out.pem")
        until(lambda: door.get("/healthz").status == 200, f"the server answers: {tmp_path / 'server.log'}")
        yield door
    finally:
        server.terminate()
        server.wait(20)


@pytest.mark.ollama(pace=0.05)
def test_the_product_is_whole_behind_a_server_that_is_set_as_the_readme_says(door: FrontDoor) -> None:
    path = door.url.partition("localhost:")[2].partition("/")
    below = f"/{path[2]}" if path[1] else ""

    assert "<title>Ollama Proxy</title>" in door.get("/").text
    if below:
        led = door.get("")
        assert led.status in {301, 308}
        assert led.headers["Location"].removeprefix("https://localhost:" + path[0]) == f"{below}/"

    # Every path that is told leads somewhere.
    site = FrontDoor(door.url.removesuffix(below), door.trusted)
    accepted = site.post(f"{below}/api/v1/prompt", {"prompt": "Hello.", "options": {"num_predict": 400}})
    told = accepted.json
    assert accepted.headers["Location"] == told["links"]["status"] == f"{below}/api/v1/prompt/{told['id']}/status"
    assert site.get(told["links"]["status"]).json["id"] == told["id"]

    # The text comes while there is more to come: nothing holds it back.
    first = next(event for event in door.events_of(told["id"]) if event.kind == "token")
    assert site.post(told["links"]["cancel"]).json["outcome"] == "cancelled"
    assert first.data["text"]
    assert site.get(told["links"]["result"]).status == 410

    # A body is refused by the product, in its own words.
    refused = door.call("POST", "/api/v1/prompt", json.dumps({"prompt": "x" * 2_000_000}).encode())
    assert (refused.status, refused.json["error"]["code"]) == (413, "too_large")


def test_a_request_may_be_held_longer_than_the_product_holds_one() -> None:
    assert [int(seconds) for seconds in re.findall(r"proxy_read_timeout (\d+)s;", NGINX + NGINX_BELOW)] == [75, 75]
