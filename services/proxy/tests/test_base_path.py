"""BASE_PATH: below a path that a server in front takes off or leaves on, every path in an answer leads back."""

import json
import re

import pytest
from promptqueue.settings import Misconfigured, read
from proxy.config import Config

UNKNOWN = "/api/v1/prompt/7d444840-9dc0-41d1-b245-5ffdce74fad2/status"


@pytest.fixture
def client(make_app):
    return make_app(base_path="/team/ollama").test_client()


@pytest.fixture(params=["", "/team/ollama"], ids=["taken off", "left on"])
def before(request):
    """What the server in front leaves before our paths."""
    return request.param


def test_the_links_of_an_accepted_prompt_lead_below_it(client, before):
    answer = client.post(f"{before}/api/v1/prompt", json={"prompt": "Why?"})

    here = f"/team/ollama/api/v1/prompt/{answer.json['id']}"
    assert answer.status_code == 202
    assert answer.json["links"] == {name: f"{here}/{name}" for name in ("status", "result", "events", "cancel")}
    assert answer.headers["Location"] == f"{here}/status"
    for path in (answer.headers["Location"], answer.json["links"]["result"]):
        assert client.get(path).status_code < 300
    assert client.post(answer.json["links"]["cancel"]).json["outcome"] == "cancelled"
    assert client.get(answer.json["links"]["events"]).data.count(b"event: completed") == 1


def test_no_answer_names_a_path_that_leads_beside_it(client, before, submit):
    prompt_id = submit()
    paths = [
        "/openapi.json", "/healthz", "/readyz", "/api/v1/queue", "/nothing", UNKNOWN, f"/api/v1/prompt/{prompt_id}",
        f"/api/v1/prompt/{prompt_id}/status", f"/api/v1/prompt/{prompt_id}/result", "/api/v1/events",
    ]  # fmt: skip
    answers = [client.get(before + path) for path in paths]
    answers.append(client.post(f"{before}/api/v1/prompt", json={"prompt": "Why?", "unknown": 1}))

    written = json.dumps([{**answer.json, "paths": None} for answer in answers])

    assert re.findall(r"(?<![\w/])/(?:api/|openapi|healthz|readyz)[\w/]*", written) == []


def test_the_specification_says_where_its_paths_begin(client, make_app):
    assert client.get("/openapi.json").json["servers"] == [{"url": "/team/ollama"}]
    assert make_app().test_client().get("/openapi.json").json["servers"] == [{"url": "/"}]


def test_the_page_is_led_to_where_it_finds_its_data(client, make_app, tmp_path):
    (tmp_path / "index.html").write_text("the page")
    client = make_app(base_path="/team/ollama", page_path=str(tmp_path / "index.html")).test_client()

    led = client.get("/team/ollama")

    assert (led.status_code, led.headers["Location"]) == (308, "/team/ollama/")
    assert client.get("/team/ollama?a=%C3%A4").headers["Location"] == "/team/ollama/?a=%C3%A4"
    assert client.get(led.headers["Location"]).text == client.get("/").text == "the page"


def test_an_address_beside_it_is_not_found(client):
    for path in ("/team/ollama2/healthz", "/team/healthz", "/team/ollama/team/ollama/healthz", "/team/ollamahealthz"):
        assert client.get(path).status_code == 404, path


@pytest.mark.parametrize("path", ["/api/v1/queue", "/api/api/v1/queue", "/healthz", "/api/healthz"])
def test_an_address_of_our_own_is_meant_as_it_stands(make_app, path):
    assert make_app(base_path="/api").test_client().get(path).status_code in (200, 503)
    assert make_app(base_path="/api").test_client().post(path).status_code == 405


def test_without_it_nothing_stands_before_our_paths(make_app):
    client = make_app().test_client()

    assert client.get("/team/ollama/healthz").status_code == 404
    assert client.post("/api/v1/prompt", json={"prompt": "Why?"}).headers["Location"].startswith("/api/v1/")


@pytest.mark.parametrize("value", ["/ollama", "/a/b-c/d.e_f~1"])
def test_a_path_is_taken(value):
    assert read(Config, {"BASE_PATH": value}).base_path == value


@pytest.mark.parametrize(
    "value",
    [
        "/",
        "ollama",
        "/ollama/",
        "//ollama",
        "/a//b",
        "/../a",
        "/a/..",
        "/.",
        "/a b",
        "/a?b",
        "/a%20b",
        "/ä",
        "http://a/b",
    ],
)
def test_what_is_no_such_path_is_refused(value):
    with pytest.raises(Misconfigured, match="BASE_PATH must be a path such as /ollama"):
        read(Config, {"BASE_PATH": value})
