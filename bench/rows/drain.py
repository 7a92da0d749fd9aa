"""How fast a queue gives out prompts whose answers take no time."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from promptqueue import connect
from promptqueue.prompt import Answered, NewPrompt, Terms

from bench import peers
from bench.figures import Goal
from bench.measurement import PRODUCT, Absent, Figure, Measurement, Side, Taken, ratio, value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.peers.peer import Peer
    from bench.workbench import Workbench

PROMPTS = 1500


def rows() -> list[Measurement]:
    """The one row."""
    return [
        Measurement(
            name="drain",
            what="drain rate of instant prompts at the queue / huey, hoglah",
            sides=_sides,
            repeats=3,
            seconds=28,
            figures=(
                Figure(what="/ huey", values=ratio("rate", to="huey"), goal=Goal(at_least=2), unit="×"),
                Figure(what="/ hoglah", values=ratio("rate", to="hoglah"), goal=Goal(at_least=200), unit="×"),
                Figure(what="prompts", values=value("rate"), unit="/s"),
            ),
            how="One worker with one slot; from the first prompt that it takes to the last. Each peer as it is, with "
            "its own worker, in a process of its own.",
        )
    ]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side | Absent]]:
    def of(peer: Peer) -> Side | Absent:
        if why := peer.missing():
            return Absent(name=peer.name, why=why)
        prompts = bench.few(peer.drained, 20)
        return Side(
            name=peer.name,
            take=lambda: {"rate": peers.drained(peer, bench.new_folder(), prompts)},
            durability=peer.durability,
        )

    yield [
        Side(name=PRODUCT, take=lambda: _drained(bench, bench.few(PROMPTS, 100)), durability="fsync"),
        *[of(peer) for peer in peers.PEERS],
    ]


def _drained(bench: Workbench, number: int) -> Taken:
    queue = connect(f"sqlite:///{bench.new_folder()}/queue.db").open()
    terms, ending = Terms(worker="bench"), Answered(record={"response": "Rayleigh.", "done": True}, tokens=2)
    queue.enqueue(*[NewPrompt(request={"prompt": "Why is the sky blue?"}) for _ in range(number)])
    claim, began = queue.claim(terms), time.monotonic()
    while claim:
        with queue.transaction():  # as the worker does
            queue.finish(claim, ending)
            claim = queue.claim(terms)
    rate = number / (time.monotonic() - began)
    queue.close()
    return {"rate": rate}
