"""One piece is one HTTP chunk, and every character arrives, whatever it is and however many there are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from compatibility.clients import CLIENTS, Face, those
from compatibility.raw import Raw

if TYPE_CHECKING:
    from collections.abc import Callable

    from compatibility.runtime import Runtimes
    from compatibility.trial import Trial

ODD = "".join(
    (
        "line\u2028separator, paragraph\u2029separator, next\u0085line, ",
        "a \U0001f469\u200d\U0001f4bb of three, e\u0301 of two, \u202eright to left\u202c, ",
        "\ufeff\u00a0",
        'data: {}\n\nevent: error\n\ntab\tquote" back\\slash',
    )
)
MANY_TOKENS = 400_000
MEGABYTE = " ".join(["0123456789abcde"] * (2**20 // 16))

LONG_ANSWERS = [
    ("ollama-python", True),
    ("openai-js", True),
    ("openai-python-responses", False),
    ("anthropic-js", True),
]


def records(face: Face, chunk: bytes) -> list[str]:
    """Give the records or events in a chunk."""
    return [part for part in chunk.decode("ascii").split("\n" if face is Face.OLLAMA else "\n\n") if part]


@pytest.mark.parametrize("door", ["proxy", "nginx"])
@pytest.mark.parametrize("face", Face)
def test_a_chunk_is_whole_records_in_ascii(build: Callable[..., Trial], face: Face, door: str) -> None:
    trial = build(nginx=True)
    assert trial.nginx
    trial.simulator.set(text=ODD, pace=0.02)

    with Raw(trial.nginx.port if door == "nginx" else trial.stack.port, face, "Odd?", stream=True) as client:
        assert " 200 " in client.head()
        chunks = client.chunks()

    assert len(chunks) > 3
    for chunk in chunks:
        for record in records(face, chunk):
            lines = [line for line in record.split("\n") if not line.startswith((":", "event:"))]
            for line in lines:
                written = line if face is Face.OLLAMA else line.removeprefix("data: ")
                assert written == "[DONE]" or isinstance(json.loads(written), dict)
    trial.reset()


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_every_client_has_every_character(build: Callable[..., Trial], runtimes: Runtimes, stream: bool) -> None:
    trial = build(nginx=True)
    trial.simulator.set(text=ODD)

    talks = [
        runtimes.begin(client, trial.front, "Say it.", stream=stream)
        for client in those(processes=("official", "node", "go"))
    ]

    assert {str(talk.client): talk.end().told for talk in talks if talk.end().text != ODD} == {}
    trial.reset()


@pytest.mark.parametrize(("name", "stream"), LONG_ANSWERS)
def test_an_answer_of_a_megabyte_is_whole(
    build: Callable[..., Trial], runtimes: Runtimes, name: str, stream: bool
) -> None:
    trial = build(nginx=True, OLLAMA_CONTEXT_LENGTH=str(MANY_TOKENS))
    trial.simulator.set(text=MEGABYTE)

    end = runtimes.begin(CLIENTS[name], trial.front, "Say it.", stream=stream, limit=MANY_TOKENS).end(120)

    assert end.error is None
    assert len(end.text) == len(MEGABYTE)
    assert end.text == MEGABYTE
    trial.reset()
