"""What every answer tells a browser: any page of any origin may call the API, and nothing of it is ever stored."""

import pytest
from proxy.serving.headers import CORS, FIXED, served_by

UNKNOWN = "/api/v1/prompt/00000000-0000-4000-8000-000000000000"
ALLOWED = "authorization, content-type, idempotency-key, last-event-id, prefer, x-on-disconnect"
ANSWERS = [
    ("POST", "/api/v1/prompt", {"json": {"prompt": "Why?"}}),
    ("POST", "/api/v1/prompt", {"data": b"nonsense"}),
    ("POST", "/api/v1/prompt", {"json": {"prompt": "Why?", "model": "x"}}),
    ("PUT", "/api/v1/prompt", {}),
    ("GET", f"{UNKNOWN}/status", {}),
    ("GET", f"{UNKNOWN}/result?wait=x", {}),
    ("GET", "/api/v1/queue", {}),
    ("GET", "/api/v1/nothing", {}),
    ("OPTIONS", "/api/v1/prompt", {}),
    ("GET", "/healthz", {}),
    ("GET", "/readyz", {}),
    ("GET", "/openapi.json", {}),
]


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
    ("address", "said"),
    [
        ("http://user-less:11434/a?b=c", {"X-Served-By": "http://user-less:11434/a?b=c"}),
        ("http://[::1]:11434", {"X-Served-By": "http://[::1]:11434"}),
        ("http://b\u00fccher:1", {"X-Served-By": "http://b%C3%BCcher:1"}),
        ("http://a\r\nSet-Cookie: b", {"X-Served-By": "http://a%0D%0ASet-Cookie:%20b"}),
        ("\ud800", {"X-Served-By": "?"}),
        (None, {}),
    ],
)
def test_a_model_server_is_named_in_a_header_whatever_its_address_is(address, said):
    assert served_by(address) == said


def test_a_refusal_below_the_application_has_them(server):
    answer = server.raw(b"nonsense\r\n\r\n")

    assert answer.status == 400
    assert {name: answer.headers[name] for name in {**FIXED, **CORS}} == {**FIXED, **CORS}


@pytest.mark.parametrize(("method", "path", "body"), ANSWERS)
@pytest.mark.parametrize("origin", [None, "https://example.org", "null"])
def test_every_answer_may_be_read_by_every_origin_and_is_stored_nowhere(client, method, path, body, origin):
    answer = client.open(path, method=method, headers={"Origin": origin} if origin else {}, **body)

    assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert answer.headers["Access-Control-Expose-Headers"] == "Location, Retry-After, X-Prompt-Id, X-Served-By, Date"
    assert answer.headers["Cache-Control"] == "no-store"
    assert {name: answer.headers[name] for name in FIXED} == FIXED


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/api/v1/prompt", "POST"),
        (UNKNOWN, "DELETE"),
        (f"{UNKNOWN}/cancel", "POST"),
        (f"{UNKNOWN}/status", "GET"),
        (f"{UNKNOWN}/events", "GET"),
    ],
)
@pytest.mark.parametrize("asked", [ALLOWED, "content-type", None])
@pytest.mark.parametrize("names_method", [True, False])
def test_a_preflight_allows_what_the_api_uses(client, path, method, asked, names_method):
    headers = {
        "Access-Control-Request-Method": method if names_method else None,
        "Access-Control-Request-Headers": asked,
    }

    answer = client.options(
        path, headers={"Origin": "https://example.org", **{name: value for name, value in headers.items() if value}}
    )

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Max-Age"] == "7200"
    assert method in answer.headers["Access-Control-Allow-Methods"]
    allowed = {name.strip().lower() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert allowed == set(ALLOWED.split(", "))
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/chat", "/v1/messages"])
def test_on_the_addresses_of_other_protocols_a_preflight_allows_whatever_it_asks_for(client, path):
    asked = "x-stainless-os,x-api-key, anthropic-version"

    answer = client.options(path, headers={"Access-Control-Request-Headers": asked})

    assert answer.headers.getlist("Access-Control-Allow-Headers") == [asked]
    assert "x-should-retry" in answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert len(answer.headers.getlist("Access-Control-Expose-Headers")) == 1


def test_a_preflight_that_asks_for_what_is_no_header_is_answered_as_ever(client):
    answer = client.options("/v1/chat/completions", headers={"Access-Control-Request-Headers": "no header"})

    assert "no header" not in answer.headers["Access-Control-Allow-Headers"]
