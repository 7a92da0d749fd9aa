"""How long owners wait for each other, in simulated time: the queue's own verbs, by a clock that is moved by hand."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from promptqueue import connect
from promptqueue.machine.clock import Clock
from promptqueue.owners.key import Role, new_key
from promptqueue.owners.owner import EVERYBODY
from promptqueue.prompt import Answered, Claim, NewPrompt, Terms

from bench.figures import Goal
from bench.measurement import Figure, Measurement, Readings, Side, Taken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from promptqueue import PromptQueue

    from bench.workbench import Workbench

LIGHT = 9
FLOOD, FLOOD_SECONDS, LIGHT_SECONDS = 1_000, 60.0, 2.0
PAUSE = 60.0  # seconds between an answer and a light owner's next prompt
ENDING = Answered(record={"response": "Rayleigh.", "done": True}, tokens=2)
SLOTS = (1, 4)
FIRST_COME = "first come, first served, 1 slot"


def rows() -> list[Measurement]:
    """The one row."""
    return [
        Measurement(
            name="turns",
            what="nine owners of 2 s prompts beside one who sent 1,000 of 60 s",
            sides=_sides,
            repeats=1,
            seconds=20,
            figures=(
                *(
                    figure
                    for slots in SLOTS
                    for figure in (
                        Figure(
                            what=f"time to the answer / with a tenth of the slots alone, {side_of(slots)}, p50",
                            values=_beside_a_tenth(slots),
                            goal=Goal(at_most=2),
                            unit="×",
                        ),
                        Figure(what=f"wait, {side_of(slots)}, p50", values=_waited(side_of(slots), 50), unit="s"),
                        Figure(what=f"wait, {side_of(slots)}, p99", values=_waited(side_of(slots), 99), unit="s"),
                    )
                ),
                Figure(what=f"wait, {FIRST_COME}, p50", values=_waited(FIRST_COME, 50), unit="s"),
            ),
            how=f"Simulated time, and the queue's own verbs on a file. Each of the nine asks {PAUSE:g} s after an "
            "answer. Alone with a tenth of the slots a prompt would take ten times as long, or its share of four slots "
            "(2.5 times). A prompt that runs is not ended for another: with one slot a 60 s prompt in hand is waited "
            "for; with four an owner with a key has three at most. Beside it: all ten as one owner.",
        )
    ]


def side_of(slots: int) -> str:
    """Name the side with so many slots."""
    return "1 slot" if slots == 1 else f"{slots} slots"


def _waited(side: str, percent: float) -> Callable[[Readings], list[float]]:
    return lambda readings: readings.of(side, "waited", percent)


def _beside_a_tenth(slots: int) -> Callable[[Readings], list[float]]:
    alone = LIGHT_SECONDS * max(1.0, (1 + LIGHT) / slots)
    return lambda readings: [(each + LIGHT_SECONDS) / alone for each in readings.of(side_of(slots), "waited")]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    def side(name: str, slots: int, *, has_owners: bool = True) -> Side:
        def take() -> Taken:
            clock = _MovedClock()
            with closing(connect(f"sqlite:///{bench.new_folder()}/queue.db", clock=clock).open()) as queue:
                times = bench.few(60, 10) if has_owners else 1  # later ones would find the thousand answered
                return {"waited": _World(queue, clock, slots, has_owners=has_owners).waits(times)}

        return Side(name=name, take=take)

    yield [*(side(side_of(slots), slots) for slots in SLOTS), side(FIRST_COME, 1, has_owners=False)]


@dataclass(slots=True)
class _Moved:
    """What a clock shows."""

    seconds: float = 1_000.0


@dataclass(frozen=True, slots=True)
class _MovedClock(Clock):
    """A clock that stands still until it is moved."""

    shown: _Moved = field(default_factory=_Moved)

    def monotonic(self) -> float:
        return self.shown.seconds

    def elapsed(self) -> float:
        return self.shown.seconds

    def wall(self) -> float:
        return 1_700_000_000.0 + self.shown.seconds


class _World:
    """One who floods and nine who ask now and then, before so many slots."""

    def __init__(self, queue: PromptQueue, clock: _MovedClock, slots: int, *, has_owners: bool) -> None:
        self._queue, self._clock, self._slots = queue, clock, slots
        self._terms = Terms(worker="bench", lease_seconds=1e9, most_running=slots - 1 if slots > 1 else None)
        numbers = [
            queue.add_key(new_key(), owner=f"owner{n}", role=Role.USER).owner.number if has_owners else EVERYBODY
            for n in range(1 + LIGHT)
        ]
        self._light = numbers[1:]
        queue.enqueue(*[NewPrompt(request={"prompt": "Why?"}, owner=numbers[0])] * FLOOD)
        self._asking = [(clock.shown.seconds + n * PAUSE / LIGHT, n) for n in range(LIGHT)]  # when, and which of them
        self._in_hand: list[tuple[float, int, Claim]] = []
        self._asked: dict[str, tuple[float, int]] = {}
        self._order = itertools.count()

    def waits(self, times: int) -> list[float]:
        """Give for how long the light owners waited, each for so many prompts."""
        waited: deque[float] = deque()
        while len(waited) < times * LIGHT and (self._asking or self._in_hand):
            self._let_time_pass()
            while len(self._in_hand) < self._slots and (claim := self._queue.claim(self._terms)):
                now, seconds = self._clock.shown.seconds, FLOOD_SECONDS
                if claim.prompt.id in self._asked:
                    seconds = LIGHT_SECONDS
                    waited.append(now - self._asked[claim.prompt.id][0])
                heapq.heappush(self._in_hand, (now + seconds, next(self._order), claim))
        return [*waited]

    def _let_time_pass(self) -> None:
        """Go to the next moment at which somebody asks or a prompt ends."""
        asks, ends = (min(each, default=(float("inf"),))[0] for each in (self._asking, self._in_hand))
        self._clock.shown.seconds = min(asks, ends)
        if asks <= ends:
            when, n = heapq.heappop(self._asking)
            [accepted] = self._queue.enqueue(NewPrompt(request={"prompt": "Why?"}, owner=self._light[n]))
            self._asked[accepted.prompt.id] = (when, n)
            return
        _, _, claim = heapq.heappop(self._in_hand)
        ended = self._queue.finish(claim, ENDING)
        if ended.id in self._asked:
            heapq.heappush(self._asking, (ends + PAUSE, self._asked.pop(ended.id)[1]))
