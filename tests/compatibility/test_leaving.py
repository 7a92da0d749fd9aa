"""A client that leaves, however and whenever, sets the model free: its prompt is cancelled."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from support.waiting import until

from compatibility.clients import Face, those
from compatibility.cuts import MOST_BEATS
from compatibility.raw import Raw, Way

if TYPE_CHECKING:
    from collections.abc import Callable

    from compatibility.runtime import Runtimes
    from compatibility.trial import Trial

SILENT = {"kind": "hang_before_first_token", "times": None}
BEGUN = {"kind": "hang_between_tokens", "after": 3, "times": None}
FREE_WITHIN = 1.0  # seconds that are promised
MANY_TIMES = 20  # what a busy machine takes longer
PHASES = ("in line", "no text yet", "after beats", "in the text")

_numbers = itertools.count(1)


def arrive(trial: Trial, phase: str, face: Face, *, stream: bool, door: int) -> tuple[Raw, str]:
    """Be a client that waits at this point of its answer."""
    text = f"Leaving number {next(_numbers)}: {face} {phase} {stream}."
    if phase == "in line":
        trial.stack.operate("pause")
        client = Raw(door, face, text, stream=stream)
        trial.until_accepted(text)
        return client, text
    trial.simulator.fault(**{"match": text, **(BEGUN if phase == "in the text" else SILENT)})  # type: ignore[arg-type]
    client = Raw(door, face, text, stream=stream)
    trial.until_in_work(text)
    if phase == "after beats" or (phase == "in the text" and stream):
        client.head()
        client.chunk()
    return client, text


@pytest.mark.parametrize("face", Face)
@pytest.mark.parametrize("phase", PHASES)
def test_who_leaves_sets_the_model_free(build: Callable[..., Trial], phase: str, face: Face) -> None:
    trial = build(nginx=True, **(MOST_BEATS if phase == "after beats" else {}))
    assert trial.nginx
    doors = (trial.nginx.port, trial.stack.port)
    every = [(way, stream, door) for way in Way for stream in (True, False) for door in doors]
    clients = [(way, *arrive(trial, phase, face, stream=stream, door=door)) for way, stream, door in every]

    for way, client, _ in clients:
        client.leave(way)

    def all_are_cancelled() -> bool:
        found = [trial.prompts(text) for _, _, text in clients]
        return [[prompt["outcome"] for prompt in each] for each in found] == [["cancelled"]] * len(found)

    until(all_are_cancelled, "all are cancelled", FREE_WITHIN * MANY_TIMES)
    if phase != "in line":
        until(
            lambda: all(call["end"] for call in trial.simulator.calls()), "the model is free", FREE_WITHIN * MANY_TIMES
        )
    trial.stack.operate("resume")
    trial.reset()


def test_who_gives_up_by_the_clients_own_means_sets_the_model_free(
    build: Callable[..., Trial], runtimes: Runtimes
) -> None:
    trial = build(nginx=True)
    texts = {client: f"Giving up, says {client}." for client in those("leave")}
    trial.simulator.fault("hang_between_tokens", after=3, times=None, match="Giving up")
    talks = [
        runtimes.begin(client, trial.url, text + how, stream=how == "Streaming.")
        for client, text in texts.items()
        for how in ("Streaming.", "Waiting.")
    ]
    trial.until_in_work(*(talk.case["text"] for talk in talks))

    for talk in talks:
        runtimes.leave(talk)

    for talk in talks:
        talk.end()
    until(lambda: all(call["end"] for call in trial.simulator.calls()), "the model is free")
    for talk in talks:
        assert [prompt["outcome"] for prompt in trial.prompts(talk.case["text"])] == ["cancelled"], talk.client
    trial.reset()
