"""What live text costs on either engine: from the worker's process to those of the proxies."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from bench.engines import POSTGRESQL, SQLITE
from bench.figures import Goal
from bench.measurement import Figure, Measurement, Side, Taken, difference, value
from bench.rows.engines import side_of
from bench.users import User, Users, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.engines import Engine
    from bench.workbench import Workbench

SLOTS, PACE = 20, 0.02  # 1,000 tokens a second
LISTENERS = (3, 1)
LEAD = 0.5  # seconds until everybody listens


def rows() -> list[Measurement]:
    """The one row."""
    most = listeners_of(LISTENERS[0])
    return [
        Measurement(
            name="engines-text",
            what=f"live text, {SLOTS / PACE:,.0f} tokens/s to {LISTENERS[0]} other processes, on PostgreSQL",
            sides=_sides,
            repeats=5,
            seconds=75,
            figures=(
                Figure(
                    what="a token's way, p50",
                    values=difference("ms", side_of(POSTGRESQL, most), to=side_of(SQLITE, most)),
                    goal=Goal(at_most=15),
                    unit="ms more than by datagrams",
                ),
                Figure(
                    what="p99",
                    values=difference("ms", side_of(POSTGRESQL, most), to=side_of(SQLITE, most), percent=99),
                    unit="ms more",
                ),
                Figure(
                    what="the server's processor time",
                    values=value("server %", side_of(POSTGRESQL, most)),
                    goal=Goal(at_most=3),
                    unit="% of a core",
                ),
                Figure(what="tokens that came", values=value("heard %", side_of(POSTGRESQL, most)), unit="%"),
            ),
            how=f"One process streams {SLOTS} answers at {1 / PACE:.0f} tokens a second each; the others listen to "
            "everything. SQLite's processes send each other datagrams, which is the direct way. The engine's server "
            "does nothing else, and stores none of it.",
        )
    ]


def listeners_of(number: int) -> str:
    """Name a number of listening processes."""
    return f"{number} listeners" if number > 1 else "1 listener"


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    seconds = bench.few(4, 1)
    with ExitStack() as ending:

        def of(engine: Engine) -> list[Side]:
            url = engine.new_queue()
            speaker = ending.enter_context(User(url))
            listeners = ending.enter_context(Users(url, max(LISTENERS)))
            speaker.do("hold", slots=SLOTS)
            return [
                Side(
                    name=side_of(engine.name, listeners_of(number)),
                    take=partial(_heard, engine, speaker, [listeners[each] for each in range(number)], seconds),
                )
                for number in LISTENERS
            ]

        yield [side for pair in zip(*map(of, bench.engines()), strict=True) for side in pair]


def _heard(engine: Engine, speaker: User, listeners: list[User], seconds: float) -> Taken:
    before, began = engine.processor_seconds(), time.monotonic()
    spoken, *heard = together(
        [
            (speaker, "stream", {"pace": PACE, "begin_in": LEAD, "seconds": seconds}),
            *((listener, "listen", {"seconds": LEAD + seconds + LEAD}) for listener in listeners),
        ]
    )
    taken: Taken = {
        "ms": [each for one in heard for each in one["ms"]],
        "heard %": 100 * sum(len(each["ms"]) for each in heard) / (len(heard) * spoken["number"]),
        "worker %": 100 * spoken["cpu"] / spoken["seconds"],
        "listener %": 100 * max(each["cpu"] for each in heard) / seconds,
    }
    if before is not None:
        used = (engine.processor_seconds() or 0.0) - before
        taken["server %"] = 100 * used / (time.monotonic() - began - 2 * LEAD)
    return taken
