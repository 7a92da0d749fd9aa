"""What is refused reaches a client's caller as the exception that is usual for it, after one request."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest
from support.waiting import until

from compatibility.clients import CLIENTS, Face, Retries, those
from compatibility.refusals import REFUSALS, clients_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from compatibility.runtime import End, Runtimes, Talk
    from compatibility.trial import Trial

PROCESSES = ("official", "node", "go")
FAULTS = {
    "refused by the model": {"kind": "status", "status": 400, "text": '"llama3.2" does not support thinking'},
    "no answer after all attempts": {"kind": "error_line"},
}
HOPELESS = {"UPSTREAM_PATIENCE": "0", "MAX_FAILURES": "1"}
FULL = {"MAX_QUEUE_DEPTH": "1"}
LONGEST_RETRY_AFTER = 59  # seconds; some clients sleep for as long as they are told, others give up at a minute

_numbers = itertools.count(1)


@pytest.mark.parametrize(("name", "stream"), [(name, how) for name, each in REFUSALS.items() for how in each.streams])
def test_a_refusal_is_the_exception_that_is_usual_for_it(
    build: Callable[..., Trial], runtimes: Runtimes, name: str, stream: bool
) -> None:
    trial = build(**HOPELESS)
    refusal = REFUSALS[name]
    clients = clients_of(name, those(processes=PROCESSES))
    ends: dict[str, End] = {}
    asked: dict[str, int] = {}

    for client in clients:  # one after the other: what fails beside others is tried again
        text = f"Refusal {next(_numbers)}: {refusal.text}"
        if name in FAULTS:
            trial.simulator.fault(**{"times": None, **FAULTS[name]})  # type: ignore[arg-type]
        talk = runtimes.begin(client, trial.relay.url, text, **{**refusal.case, "stream": stream})
        ends[client.name] = talk.end()
        asked[client.name] = len(trial.relay.requests(text[:20]))
        trial.simulator.clear_faults()
        trial.stack.result(trial.stack.submit("Is all well again?"))

    assert {name: (end.kind, end.status) for name, end in ends.items()} == {
        client.name: refusal.expected(client, stream=stream) for client in clients
    }
    assert asked == dict.fromkeys(asked, 1)
    trial.reset()


def test_a_full_queue_tells_each_client_to_come_back(build: Callable[..., Trial], runtimes: Runtimes) -> None:
    trial = build(**FULL)
    trial.stack.operate("pause")
    trial.stack.submit("The only place.")
    talks = [
        runtimes.begin(client, trial.relay.url, f"Full, says {client}.", retries=1)
        for client in those(processes=PROCESSES)
        if client.retries is not Retries.ALWAYS
    ]

    expected = {}
    for talk in talks:
        comes_again = 2 if talk.client.retries is Retries.TWICE else 1
        until(lambda talk=talk: len(asked(trial, talk)) >= 1, f"{talk.client} has asked")  # type: ignore[misc]
        expected[talk.client.name] = comes_again
    for path, body, status in (
        ("/api/chat", {"messages": [{"role": "user", "content": "Full?"}]}, 503),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Full?"}]}, 429),
        ("/v1/responses", {"input": "Full?"}, 429),
        ("/v1/messages", {"max_tokens": 10, "messages": [{"role": "user", "content": "Full?"}]}, 429),
    ):
        reply = trial.stack.post(path, {"model": "llama3.2", **body})
        assert reply.status == status, reply.text
        assert 0 < int(reply.headers["Retry-After"]) <= LONGEST_RETRY_AFTER
        json.loads(reply.body)
    never = [talk for talk in talks if talk.client.retries is Retries.NEVER]
    assert {talk.client.name: talk.end().status for talk in never} == {talk.client.name: 503 for talk in never}
    assert {talk.client.name: len(asked(trial, talk)) for talk in never} == {talk.client.name: 1 for talk in never}
    trial.stack.operate("resume")
    trial.reset()


def asked(trial: Trial, talk: Talk) -> list[str]:
    return trial.relay.requests(talk.case["text"])


def test_what_is_not_for_clients_to_do_is_refused(build: Callable[..., Trial], runtimes: Runtimes) -> None:
    trial = build(**HOPELESS)
    wanted = {"embed": {Face.OLLAMA: 501, Face.OPENAI: 501}, "delete": {Face.OLLAMA: 403}}

    for what, statuses in wanted.items():
        for client in those(what):
            text = f"Refusal {next(_numbers)} of {what}"
            end = runtimes.begin(client, trial.relay.url, text, do=what).end()
            assert end.status == statuses[client.face], (client.name, end.told)
            assert what != "embed" or len(trial.relay.requests(text)) == 1, client.name


@pytest.mark.parametrize("name", sorted(name for name, each in CLIENTS.items() if "list" in each.can))
def test_a_client_finds_the_model(build: Callable[..., Trial], runtimes: Runtimes, name: str) -> None:
    trial, client = build(**HOPELESS), CLIENTS[name]

    assert runtimes.begin(client, trial.url, "", do="list").end().data == ["llama3.2:latest"]
    shown = runtimes.begin(client, trial.url, "", do="show").end()
    assert shown.data == ["llama3.2"] or "general.architecture" in shown.data, shown.told
    if "running" in client.can:
        assert runtimes.begin(client, trial.url, "", do="running").end().data == ["llama3.2:latest"]
    if "count" in client.can:
        assert runtimes.begin(client, trial.url, "Count these words.", do="count").end().data > 0
    if "head" in client.can:
        assert runtimes.begin(client, trial.url, "", do="head").end().error is None
        assert runtimes.begin(client, trial.url, "", do="version").end().data == "0.33.0"


@pytest.mark.parametrize("name", sorted(name for name, each in CLIENTS.items() if "pull" in each.can))
def test_a_client_pulls_what_is_there_and_nothing_else(
    build: Callable[..., Trial], runtimes: Runtimes, name: str
) -> None:
    trial, client = build(**HOPELESS), CLIENTS[name]

    for stream in (True, False):
        there = runtimes.begin(client, trial.url, "", do="pull", stream=stream).end()
        assert there.data[-1] == "success", there.told
        missing = runtimes.begin(client, trial.url, "", do="pull", model="nope", stream=stream).end()
        assert "file does not exist" in missing.told["error"]["message"]
