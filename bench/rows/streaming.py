"""What a reader of an event stream sees of the model's pace, beside a reader of the model server itself."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bench import direct
from bench.clients import Connection, Unexpected
from bench.figures import Goal
from bench.measurement import PRODUCT, Absent, CannotRun, Figure, Measurement, Side, Taken, difference, value
from bench.workbench import WORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.measurement import Sides
    from bench.workbench import Workbench

DIRECT = "direct calls"
FIRST = 0.05  # seconds until a model's first token
PACE = 0.01  # seconds between two tokens


def rows() -> list[Measurement]:
    """The first token, and the gaps between all of them."""
    return [
        Measurement(
            name="first-token",
            what="first token at an event-stream client / at a direct client",
            sides=_sides(prompts=20, tokens=3),
            repeats=3,
            seconds=14,
            figures=(
                Figure(what="p50", values=difference("first ms", to=DIRECT), goal=Goal(at_most=10), unit="ms more"),
                Figure(what="p99", values=difference("first ms", to=DIRECT, percent=99), unit="ms more"),
            ),
            how="From before the submission is sent. The model takes 50 ms to its first token; the client opens the "
            "event stream as soon as it has the id.",
        ),
        Measurement(
            name="gap",
            what="gap between tokens at a pace of 10 ms, at an event-stream client",
            sides=_sides(prompts=2, tokens=200),
            repeats=3,
            seconds=24,
            figures=(
                Figure(what="p99", values=value("gap ms", percent=99), goal=Goal(at_most=1000 * PACE + 20), unit="ms"),
                Figure(what="p99 of direct calls", values=value("gap ms", DIRECT, percent=99), unit="ms"),
            ),
        ),
    ]


def _sides(*, prompts: int, tokens: int) -> Sides:
    @contextmanager
    def sides(bench: Workbench) -> Iterator[list[Side | Absent]]:
        server = bench.model_server(tokens=tokens, pace=PACE, first=FIRST)
        number = bench.few(prompts, 2)
        with bench.product(server) as product, Connection(product.url) as client:
            yield [
                Side(name=DIRECT, take=lambda: _seen([list(_timed(direct.ask(server.url))) for _ in range(number)])),
                Side(name=PRODUCT, take=lambda: _seen([_followed(client, product.url) for _ in range(number)])),
            ]

    return sides


def _timed(moments: Iterator[float]) -> Iterator[float]:
    began = time.monotonic()
    for moment in moments:
        yield moment - began


def _seen(answers: list[list[float]]) -> Taken:
    return {
        "first ms": [1000 * moments[0] for moments in answers],
        "gap ms": [1000 * (later - earlier) for moments in answers for earlier, later in pairwise(moments)],
    }


def _followed(client: Connection, url: str) -> list[float]:
    """Submit a prompt and read its events; seconds until each token was there."""
    began, moments = time.monotonic(), []
    prompt_id = client.submit()
    try:
        with Connection(url) as reader:
            for moment, event, data in events(reader, f"/api/v1/prompt/{prompt_id}/events"):
                if event == "token":
                    # An event may carry several tokens: they were there at the same moment.
                    moments += [moment - began] * max(1, data["text"].count(WORD))
                if event == "completed":
                    break
    except Unexpected as answer:
        client.result(prompt_id)
        message = f"this version has no event streams ({str(answer).splitlines()[0]})"
        raise CannotRun(message) from None
    return moments


def events(reader: Connection, path: str) -> Iterator[tuple[float, str, dict[str, Any]]]:
    """Read an event stream: the moment, the name and the data of each event."""
    event, data = "message", ""
    for moment, line in reader.lines("GET", path):
        field, _, text = line.decode().rstrip("\r").partition(":")
        if field == "event":
            event = text.strip()
        elif field == "data":
            data += text.removeprefix(" ")
        elif not field and not text and data:
            yield moment, event, json.loads(data)
            event, data = "message", ""
