"""A client that waits long asks once: for all its time-outs, and whatever dies behind the proxy or with it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from support.waiting import until

from compatibility.clients import Face, Retries, those
from compatibility.cuts import MOST_BEATS
from compatibility.trial import WORDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from compatibility.clients import Client
    from compatibility.runtime import Runtimes, Talk
    from compatibility.trial import Trial

TIMEOUT = 2.0  # seconds that clients wait for a byte
LONGER = 3 * TIMEOUT  # seconds that they wait for their answer
TOTAL = frozenset({"ai-ollama", "ai-compatible", "ai-openai", "ai-anthropic", "ollama-go"})
"""Clients whose time-out is for the whole call: nothing that is sent meanwhile can help."""
TO_THE_HEADERS = frozenset({"ollama-js"})
"""Clients that have no time-out of their own but what Node has, which nobody can set."""
TOTAL_UNSTREAMED = frozenset({"openai-js", "openai-js-responses"})
"""Clients of whom, from their version 7 on, that is so where they do not stream; they ask anew, and begin anew."""
PROCESSES = ("official", "node", "go", "frameworks")

_numbers = itertools.count(1)


def patient() -> list[Client]:
    """Give the clients that can be told for how long a server may be silent."""
    return [client for client in those(processes=PROCESSES) if client.name not in TOTAL | TO_THE_HEADERS | {"llm"}]


def begin(trial: Trial, runtimes: Runtimes, clients: list[Client], what: str, **case: object) -> list[Talk]:
    """Let each client ask, streaming and not, through the door that counts."""
    return [
        runtimes.begin(
            client, trial.relay.url, f"{what} {next(_numbers)}, {client} {stream}.", **{"stream": stream, **case}
        )
        for client in clients
        for stream in (True, False)
        if stream or "timeout" not in case or client.name not in TOTAL_UNSTREAMED
    ]


def asked(trial: Trial, talk: Talk) -> int:
    """How often a client asked its question: an HTTP request each."""
    return len(trial.relay.requests(talk.case["text"]))


def places_of(trial: Trial, talk: Talk) -> list[int]:
    """Give the places in line of all prompts that came of a question."""
    return [prompt["seq"] for prompt in trial.prompts(talk.case["text"])]


def test_a_wait_that_is_longer_than_every_time_out_costs_one_request(
    build: Callable[..., Trial], runtimes: Runtimes
) -> None:
    trial = build(**MOST_BEATS)
    trial.simulator.fault("slow_load", seconds=LONGER)  # the call that loads the model; all others wait for it

    talks = begin(trial, runtimes, patient(), "A long wait", timeout=TIMEOUT)

    assert {str(talk.client): talk.end().told for talk in talks if talk.end().text != WORDS} == {}
    assert {str(talk.client): asked(trial, talk) for talk in talks if asked(trial, talk) != 1} == {}
    trial.reset()


def test_a_worker_that_is_killed_before_there_is_text_costs_one_request(
    build: Callable[..., Trial], runtimes: Runtimes
) -> None:
    trial = build(**MOST_BEATS)
    clients = those(processes=PROCESSES)
    trial.simulator.fault("hang_before_first_token", times=None, match="A killed worker")
    talks = begin(trial, runtimes, clients, "A killed worker")
    trial.until_in_work(*(talk.case["text"] for talk in talks))
    trial.simulator.clear_faults()

    trial.kill_worker()

    assert {str(talk.client): talk.end().told for talk in talks if talk.end().text != WORDS} == {}
    assert {str(talk.client): asked(trial, talk) for talk in talks if asked(trial, talk) != 1} == {}
    trial.reset()


@pytest.mark.parametrize("manner", ["stopped", "killed"])
def test_a_proxy_that_is_started_again_takes_up_the_calls_that_waited(
    build: Callable[..., Trial], runtimes: Runtimes, manner: str
) -> None:
    trial = build()
    trial.stack.operate("pause")
    what = f"A {manner} proxy"
    clients = [client for client in those(processes=("official", "node")) if client.retries is Retries.TWICE]
    talks = begin(trial, runtimes, clients, what, retries=8)
    # A stream of responses has begun by then, and no client asks for the rest of one.
    comes_again = [talk for talk in talks if talk.client.face is not Face.RESPONSES or not talk.case["stream"]]
    for talk in talks:
        trial.until_accepted(talk.case["text"])
    places = [places_of(trial, talk) for talk in comes_again]

    (trial.stop_proxy if manner == "stopped" else trial.kill_proxy)()
    trial.start_proxy()

    until(lambda: all(asked(trial, talk) > 1 for talk in comes_again), "every client has asked again", 60)
    trial.until_ready()
    trial.stack.operate("resume")
    assert {str(talk.client): talk.end().told for talk in comes_again if talk.end().text != WORDS} == {}
    assert [places_of(trial, talk) for talk in comes_again] == places
    trial.reset()
