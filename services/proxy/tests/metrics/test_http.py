"""What Prometheus is told of HTTP: requests, refusals, what is held, commits."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.openmetrics import parser as openmetrics

PROMPT = "/api/v1/prompt"
STATUS = f"{PROMPT}/{{prompt_id}}/status"


def test_a_request_is_counted_by_method_rule_and_class_of_its_status(client, submit, scrape):
    for _ in range(2):
        client.get(f"{PROMPT}/{submit()}/status")
    client.get(f"{PROMPT}/unknown/status")

    read = scrape()

    assert read("http_requests_total", method="POST", endpoint=PROMPT, status="2xx") == 2
    assert read("http_requests_total", method="GET", endpoint=STATUS, status="2xx") == 2
    assert read("http_requests_total", method="GET", endpoint=STATUS, status="4xx") == 1
    assert read("http_request_duration_seconds_count", method="GET", endpoint=STATUS) == 3
    assert 0 < read("http_request_duration_seconds_sum", method="GET", endpoint=STATUS) < 60


def test_what_a_client_makes_up_is_one_series(client, scrape):
    for number in range(5):
        client.get(f"/made/up/{number}")
        client.open("/api/v1/queue", method=f"MADE{number}")

    read = scrape()

    assert read("http_requests_total", method="GET", endpoint="other", status="4xx") == 5
    assert read("http_requests_total", method="other", endpoint="other", status="4xx") == 5


def test_durations_are_told_in_steps_from_five_milliseconds_to_a_minute(client, scrape):
    client.get("/healthz")

    found = [
        sample.labels["le"]
        for sample in scrape().samples
        if sample.name == "ollama_proxy_http_request_duration_seconds_bucket"
    ]

    assert (found[0], found[-2], found[-1]) == ("0.005", "60.0", "+Inf")


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (PROMPT, {"prompt": ""}, "invalid_request"),
        (PROMPT, {"prompt": "Why?", "model": "other"}, "unsupported_model"),
        ("/v1/chat/completions", {"messages": "none"}, "invalid_request"),
        ("/v1/messages", {}, "invalid_request"),
        ("/api/generate", {"model": 5}, "invalid_request"),
        ("/nowhere", {}, "not_found"),
    ],
)
def test_a_refusal_is_counted_by_its_code_in_whichever_protocol(client, scrape, path, body, code):
    assert client.post(path, json=body).status_code >= 400

    assert scrape().all("http_refusals_total", "code") == {code: 1}


def test_what_is_refused_for_a_full_queue_is_told(make_app, read):
    client = make_app(metrics_port=9000, max_queue_depth=1).test_client()
    for _ in range(3):
        client.post(PROMPT, json={"prompt": "Why?"})

    told = read(client.get("/metrics", base_url="http://localhost:9000").text)

    assert told.all("http_refusals_total", "code") == {"queue_full": 2}


def test_a_stream_is_held_until_it_is_over(client, submit, follow, scrape):
    assert scrape().all("http_held", "kind") == {"request": 0, "stream": 0, "call": 0}
    follower = follow(client, f"{PROMPT}/{submit()}/events")

    assert scrape().all("http_held", "kind") == {"request": 0, "stream": 1, "call": 0}
    follower.close()

    assert scrape().all("http_held", "kind") == {"request": 0, "stream": 0, "call": 0}
    assert scrape()("http_held_limit") == 5_000


@pytest.fixture
def held(client, scrape, until):
    """Ask for something that is held, as this kind; what gives the answer once there is one."""
    with ThreadPoolExecutor() as pool:

        def held(kind, *arguments, **more):
            answer = pool.submit(client.open, *arguments, **more)
            until(lambda: scrape().all("http_held", "kind")[kind] == 1, f"a {kind} is held")
            return answer.result

        yield held


def test_a_request_that_waits_is_held_and_then_counted_with_its_wait(client, submit, held, scrape):
    prompt_id = submit()
    answer = held("request", f"{PROMPT}/{prompt_id}/status?wait=60")
    waited = time.monotonic()
    assert scrape()("http_requests_total", method="GET", endpoint=STATUS, status="2xx") is None

    client.post(f"{PROMPT}/{prompt_id}/cancel")
    answer()

    read = scrape()
    assert read.all("http_held", "kind")["request"] == 0
    assert read("http_requests_total", method="GET", endpoint=STATUS, status="2xx") == 1
    took = read("http_request_duration_seconds_sum", method="GET", endpoint=STATUS)
    assert 0 < took < time.monotonic() - waited + 60


def test_a_held_call_is_counted_once_with_the_status_that_it_ended_with(client, queue, held, scrape):
    chat = "/v1/chat/completions"
    asked = {"model": "llama3.2", "messages": [{"role": "user", "content": "Why?"}]}
    answer = held("call", chat, method="POST", json=asked)

    [prompt] = queue.newest().prompts
    client.post(f"{PROMPT}/{prompt.id}/cancel")

    status = answer().status_code
    read = scrape()
    assert status >= 400
    assert read.all("http_held", "kind")["call"] == 0
    counted = [
        (one.labels["status"], one.value)
        for one in read.samples
        if one.name == "ollama_proxy_http_requests_total" and one.labels["endpoint"] == chat
    ]
    assert counted == [(f"{status // 100}xx", 1)]
    assert read.all("http_refusals_total", "code") == {"cancelled": 1}


def test_each_commit_is_counted_with_what_shared_it(submit, scrape):
    before = scrape()
    submit()

    read = scrape()

    assert read("commit_requests_count") == (before("commit_requests_count") or 0) + 1
    assert read("commit_requests_sum") == (before("commit_requests_sum") or 0) + 1
    assert read("commit_duration_seconds_sum") > 0


def test_nothing_of_a_prompt_and_nothing_that_is_made_up_stands_in_a_label(client, submit, scrape):
    prompt_id = submit("A secret.", metadata={"of": "somebody"})
    for path in (f"{PROMPT}/{prompt_id}", f"{PROMPT}/{prompt_id}/status", f"/v1/responses/{prompt_id}"):
        client.get(path, headers={"Authorization": "Bearer opx_12345678_secret"})

    samples = scrape().samples

    known = {
        "code",
        "endpoint",
        "kind",
        "lane",
        "le",
        "method",
        "model",
        "outcome",
        "server",
        "state",
        "status",
        "version",
    }
    assert {label for sample in samples for label in sample.labels} <= known
    values = " ".join(value for sample in samples for value in sample.labels.values())
    assert not re.search(rf"{prompt_id}|secret|somebody", values)


def test_what_is_asked_at_the_door_for_prometheus_is_not_counted(scrape):
    scrape()

    assert scrape().all("http_requests_total", "endpoint") == {}


# ---- the door -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/api/v1/queue", "/metrics/", "/healthz", "//metrics"])
def test_at_its_door_there_is_nothing_but_metrics(at_the_door, path):
    assert at_the_door(path).status_code == 404


def test_metrics_can_only_be_read(at_the_door):
    refused = at_the_door(method="POST")

    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert at_the_door(method="HEAD").data == b""


def test_no_page_of_another_name_reads_them(at_the_door):
    assert at_the_door(headers={"Host": "evil.test"}).status_code == 421


def test_the_other_door_does_not_become_it_by_what_a_client_writes(client):
    assert client.get("/metrics", headers={"Host": "localhost:9000"}).status_code == 401


@pytest.mark.parametrize("accept", ["", "text/plain", "*/*", "application/openmetrics-text; version=none"])
def test_it_is_prometheus_text_unless_something_else_is_asked_for(at_the_door, accept):
    assert at_the_door(headers={"Accept": accept}).content_type == "text/plain; version=0.0.4; charset=utf-8"


def test_it_is_openmetrics_for_whom_that_is_asked(at_the_door, submit):
    submit()

    answer = at_the_door(headers={"Accept": "application/openmetrics-text; version=1.0.0,text/plain;q=0.5"})

    assert answer.content_type.startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name for family in openmetrics.text_string_to_metric_families(answer.text)}
    assert {"ollama_proxy_prompts_waiting", "ollama_proxy_http_requests"} <= families
