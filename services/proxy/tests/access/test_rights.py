"""Who may do what: every role at every endpoint of the application, with its own prompts and with others'."""

from __future__ import annotations

import re

import pytest
from promptqueue.owners.key import Role
from proxy.access.rules import RULES

STRANGERS = {"page.page", "page.beside_the_page", "management.healthz", "management.readyz"}
OF_AN_ADMIN = {"prompts.status", "prompts.cancel"}
"""What an admin may do with anybody's prompt."""

NEVER = "00000000-0000-4000-8000-000000000000"  # which no prompt has
CHANGING = re.compile("[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")
"""Ids: those that were sent, and those that faces give to each answer."""


@pytest.fixture
def app(make_app):
    return make_app(base_path="/o")


@pytest.fixture
def endpoints(app):
    """Every address with each of its methods, but for OPTIONS."""

    def endpoints(prompt_id=NEVER):
        ids = {"prompt_id": prompt_id, "response_id": f"resp_{prompt_id.replace('-', '')}"}
        for rule in app.url_map.iter_rules():
            if not rule.websocket:
                named = {name: ids.get(name, "x") for name in rule.arguments}
                path = rule.build(named, append_unknown=False)[1]
                query = f"?id={prompt_id}" if rule.endpoint == "events.of_several" else ""
                for method in sorted(rule.methods - {"OPTIONS"}):
                    yield rule.endpoint, method, path + query

    return endpoints


@pytest.fixture
def about_a_prompt(app, endpoints):
    """The addresses whose answer depends on the prompt that they name."""
    rules = app.url_map.iter_rules()
    named = {rule.endpoint for rule in rules if rule.arguments & {"prompt_id", "response_id"}} | {"events.of_several"}
    return lambda prompt_id: [each for each in endpoints(prompt_id) if each[0] in named]


def what_is_told(answer):
    """Give an answer without what is another one each time."""
    headers = sorted(
        (name, CHANGING.sub("ID", value)) for name, value in answer.headers.items() if name != "Content-Length"
    )
    return answer.status_code, headers, CHANGING.sub("ID", answer.text)


def ask(client, method, path, headers):
    answer = client.open(path, method=method, headers=headers, json={} if method == "POST" else None)
    if answer.mimetype == "text/event-stream":
        answer.close()
    return answer


def is_refused_for_its_role(answer):
    return answer.status_code == 403 and "The key that was sent is for" in answer.text


def test_every_address_is_in_a_rule(app):
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(RULES)


def test_what_is_in_no_rule_is_refused_to_everybody(app, key):
    app.add_url_rule("/forgotten", view_func=lambda: "secret", endpoint="forgotten")
    keys, client = [key("anna", role) for role in Role], app.test_client()

    assert client.get("/forgotten").status_code == 401
    assert all(is_refused_for_its_role(client.get("/forgotten", headers=headers)) for headers in keys)


def test_what_is_in_no_rule_is_refused_while_nobody_needs_a_key_as_well(app):
    app.add_url_rule("/forgotten", view_func=lambda: "secret", endpoint="forgotten")

    assert app.test_client().get("/forgotten").status_code == 401


def test_without_a_key_that_holds_there_is_one_answer_wherever_one_is_needed(app, endpoints, key, queue, name_of):
    client, old = app.test_client(), key("anna", expires_at=1.0)
    revoked = key("anna")
    queue.revoke_key(name_of(revoked))
    good = key("anna")
    bearer = good["Authorization"]
    bad = [
        {},
        old,
        revoked,
        {"Authorization": "Bearer "},
        {"Authorization": bearer + "x"},
        {"Authorization": bearer.removeprefix("Bearer ")},
        {"Authorization": bearer.replace("Bearer", "Basic")},
        {"Authorization": f"{bearer}, {bearer}"},
        {"X-API-Key": bearer.removeprefix("Bearer "), "Cookie": bearer},
    ]
    for endpoint, method, path in endpoints():
        of_anthropic = endpoint.startswith(("anthropic.", "addresses."))
        answers = [ask(client, method, path, headers) for headers in (bad[:-1] if of_anthropic else bad)]

        if endpoint in STRANGERS:
            assert {answer.status_code for answer in answers} <= {200, 304, 308, 503}, path
        else:
            assert {answer.status_code for answer in answers} == {401}, (method, path)
            assert all(answer.headers["WWW-Authenticate"] == "Bearer" for answer in answers)
            assert len({str(what_is_told(answer)) for answer in answers}) == 1, path
            assert "opx_" not in answers[3].text


def test_each_role_may_ask_what_it_is_for_and_nothing_else(app, endpoints, key):
    client = app.test_client()
    for role in Role:
        headers = key(role, role)
        for endpoint, method, path in endpoints():
            if method == "HEAD":  # which tells no reason
                continue
            answer = ask(client, method, path, headers)

            is_for_it = endpoint in STRANGERS or role in RULES[endpoint].roles
            assert is_refused_for_its_role(answer) is not is_for_it, path
            assert answer.status_code != 401, path


def test_a_metrics_key_reads_how_the_whole_fares_and_no_prompt():
    allowed = {endpoint for endpoint, rule in RULES.items() if Role.METRICS in rule.roles}

    assert {"management.queue", "management.specification"} <= allowed
    assert not {
        each for each in allowed if each.startswith(("prompts.", "events.", "openai.", "ollama.", "anthropic."))
    }


@pytest.mark.parametrize("role", [Role.USER, Role.ADMIN])
def test_anothers_prompt_is_told_from_one_that_never_was_by_nothing(app, about_a_prompt, key, role):
    client, anna, other = app.test_client(), key("anna"), key("bob", role)
    made = client.post("/v1/responses", json={"model": "llama3.2", "input": "Why?", "background": True}, headers=anna)
    assert made.status_code == 200, made.text
    of_anna = made.headers["X-Prompt-Id"]
    gone = client.post("/api/v1/prompt", json={"prompt": "Why?"}, headers=other).json["id"]
    assert client.delete(f"/api/v1/prompt/{gone}", headers=other).status_code == 204

    checked = 0
    for theirs, random, deleted in zip(*map(about_a_prompt, (of_anna, NEVER, gone)), strict=True):
        endpoint = theirs[0]
        if role is Role.ADMIN and endpoint in OF_AN_ADMIN:
            continue
        answers = [ask(client, method, path, other) for _, method, path in (theirs, random, deleted)]
        told = [what_is_told(answer) for answer in answers]

        assert told[0][0] == 404, theirs
        assert told[0] == told[1] == told[2], endpoint
        checked += 1

    assert checked > 12
    assert client.get(f"/api/v1/prompt/{of_anna}", headers=anna).json["request"]["messages"]  # it is all there still


def test_ones_own_prompt_is_found_at_every_address(app, about_a_prompt, key):
    client, anna = app.test_client(), key("anna")
    for index in range(len(about_a_prompt(NEVER))):
        body = {"model": "llama3.2", "input": "Why?", "background": True}
        prompt_id = client.post("/v1/responses", json=body, headers=anna).headers["X-Prompt-Id"]
        _, method, path = about_a_prompt(prompt_id)[index]

        assert ask(client, method, path, anna).status_code in {200, 202, 204}, path


def test_all_keys_of_an_owner_see_the_same_prompts(app, key):
    client = app.test_client()
    prompt_id = client.post("/api/v1/prompt", json={"prompt": "Why?"}, headers=key("anna")).json["id"]

    assert client.get(f"/api/v1/prompt/{prompt_id}", headers=key("anna")).status_code == 200


def test_an_admin_sees_where_anybodys_prompt_stands_and_nothing_that_was_said(app, key, worker):
    client, admin = app.test_client(), key("root", Role.ADMIN)
    said = {"prompt": "Why is it secret?", "metadata": {"about": "secret"}}
    prompt_id = client.post("/api/v1/prompt", json=said, headers=key("anna")).json["id"]
    path = f"/api/v1/prompt/{prompt_id}"

    waiting = client.get(f"{path}/status", headers=admin)
    worker.answer({"response": "Because it is secret.", "done": True, "done_reason": "stop"})
    answered = client.get(f"{path}/status?wait=1", headers=admin)

    assert (waiting.json["status"], waiting.json["metadata"]) == ("queued", None)
    assert (answered.json["outcome"], answered.json["metadata"]) == ("succeeded", None)
    assert "secret" not in waiting.text + answered.text


def test_an_admin_may_end_anybodys_prompt_and_it_is_recorded_by_whose_key(app, key, queue, name_of):
    client, admin = app.test_client(), key("root", Role.ADMIN)
    body = {"prompt": "Why?", "metadata": {"about": "secret"}}
    prompt_id = client.post("/api/v1/prompt", json=body, headers=key("anna")).json["id"]

    answers = [client.post(f"/api/v1/prompt/{prompt_id}/cancel", headers=admin) for _ in range(2)]

    assert [answer.json["outcome"] for answer in answers] == ["cancelled"] * 2
    assert answers[0].json["metadata"] is None
    deeds = [(deed.who, deed.what, deed.to) for deed in queue.deeds(limit=10)]
    assert deeds == [(name_of(admin), "prompt cancelled", prompt_id)]


def test_what_an_admin_does_with_its_own_prompts_is_not_recorded(app, key, queue):
    client, admin = app.test_client(), key("root", Role.ADMIN)
    prompt_id = client.post("/api/v1/prompt", json={"prompt": "Why?"}, headers=admin).json["id"]

    assert client.post(f"/api/v1/prompt/{prompt_id}/cancel", headers=admin).status_code == 200
    assert client.get(f"/api/v1/prompt/{prompt_id}", headers=admin).json["request"]
    assert queue.deeds(limit=10) == []


def test_an_idempotency_key_is_known_to_its_owner_alone(app, key):
    client, used, anna = app.test_client(), {"Idempotency-Key": "one-and-the-same-key"}, key("anna")
    ids = [
        client.post("/api/v1/prompt", json={"prompt": "Why?"}, headers=used | whose).json["id"]
        for whose in (anna, key("bob"), anna, key("anna"))
    ]

    assert ids[0] == ids[2] == ids[3] != ids[1]


def test_what_was_asked_before_there_were_keys_is_nobodys_but_an_admins(app, key, until):
    client = app.test_client()
    prompt_id = client.post("/api/v1/prompt", json={"prompt": "Why?"}).json["id"]
    path = f"/api/v1/prompt/{prompt_id}"
    anna, admin = key("anna"), key("root", Role.ADMIN)
    until(lambda: client.get("/api/v1/queue").status_code == 401)

    assert client.get(f"{path}/status", headers=anna).status_code == 404
    assert client.get(f"{path}/status", headers=admin).status_code == 200
    assert client.get(path, headers=admin).status_code == 404


def test_what_was_asked_with_a_key_is_not_seen_once_the_keys_are_dropped(app, key, queue, until):
    client = app.test_client()
    prompt_id = client.post("/api/v1/prompt", json={"prompt": "Why?"}, headers=key("anna")).json["id"]
    queue.drop_keys()

    until(lambda: client.get("/api/v1/queue").status_code == 200)
    assert client.get(f"/api/v1/prompt/{prompt_id}/status").status_code == 404
