"""What every answer tells a browser, wherever it comes from."""

import socket

import pytest
from proxy.serving.headers import FIXED

UNKNOWN = "/api/v1/prompt/00000000-0000-4000-8000-000000000000"


def test_the_fixed_headers_forbid_what_no_page_of_ours_needs():
    assert FIXED["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert FIXED["X-Content-Type-Options"] == "nosniff"
    assert FIXED["Referrer-Policy"] == "no-referrer"
    assert FIXED["Cross-Origin-Opener-Policy"] == "same-origin"
    assert all(f"{name}=()" in FIXED["Permissions-Policy"] for name in ("camera", "geolocation", "microphone"))


def test_the_answer_of_every_route_has_the_fixed_headers(make_app):
    app = make_app()
    client = app.test_client()
    routes = [
        (method, rule.rule.replace("<prompt_id>", UNKNOWN.rpartition("/")[2]))
        for rule in app.url_map.iter_rules()
        for method in rule.methods
    ]
    assert len(routes) > 20

    for method, path in routes:
        answer = client.open(path, method=method)
        for name, value in FIXED.items():
            assert answer.headers.getlist(name) == [value], (method, path)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/prompt", {"json": {"prompt": "Why?"}}),
        ("POST", "/api/v1/prompt", {"data": b"nonsense"}),
        ("PUT", "/api/v1/prompt", {}),
        ("GET", "/nothing", {}),
        ("GET", f"{UNKNOWN}/events", {}),
    ],
)
def test_what_is_accepted_and_what_is_refused_have_them_alike(client, method, path, body):
    answer = client.open(path, method=method, **body)

    assert {name: answer.headers[name] for name in FIXED} == FIXED


def test_a_refusal_below_the_application_has_them(server):
    with socket.create_connection(("127.0.0.1", server.port), 5) as client:
        client.sendall(b"nonsense\r\n\r\n")
        head = b"".join(iter(lambda: client.recv(65_536), b"")).partition(b"\r\n\r\n")[0].decode()

    assert head.startswith("HTTP/1.1 400")
    assert [line for line in head.splitlines() if line.partition(": ")[0] in FIXED] == [
        f"{name}: {value}" for name, value in FIXED.items()
    ]
