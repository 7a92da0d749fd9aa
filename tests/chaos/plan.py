"""The plan: which part is struck how and when. The seed decides it before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LEASE = 2.0  # seconds; short, so that stops outlast it
EVERY = 0.95  # seconds from one strike to the next, on average
FILLED_EVERY = 20.0  # seconds from one filling of the room to the next, on average
PAUSE = 6.0  # seconds from one end of an outage of the server to the next outage, on average


class Part(StrEnum):
    """What can be struck."""

    WORKER = "worker"
    OTHER_WORKER = "other worker"
    JANITOR = "janitor"
    WORKERS_CONTAINER = "worker's container"  # supervisord, worker and janitor at once
    PROXY = "proxy"  # the process that serves; Gunicorn replaces it
    PROXYS_CONTAINER = "proxy's container"
    OLLAMA = "ollama"
    CLOCK = "clock"
    DISK = "disk"
    ROOM = "room"  # what may be stored
    SERVER = "PostgreSQL"  # all of its processes at once
    SESSIONS = "PostgreSQL's sessions"  # those of the product
    CABLE = "cable to PostgreSQL"  # of one container


OF_A_FILE = frozenset((Part.DISK,))
OF_A_SERVER = frozenset((Part.SERVER, Part.SESSIONS, Part.CABLE))


class Blow(StrEnum):
    """What is done to it."""

    KILL = "SIGKILL"
    TERM = "SIGTERM"
    STOP = "SIGSTOP"  # and SIGCONT after `seconds`
    STEP = "stepped"  # the wall clock, by an hour
    FILL = "filled"  # until submissions are refused; and given back after `seconds`
    END = "ended"  # each by the server, as an administrator would
    CUT = "cut"  # connections are reset, and none is made for `seconds`
    HUSH = "silent"  # nothing comes through, and nobody is told, for `seconds`
    COPY = "copied"  # the database as it is on the disk, with everybody who writes to it stopped

    @property
    def is_kill(self) -> bool:
        """Whether it strikes a process."""
        return self in (Blow.KILL, Blow.TERM, Blow.STOP)


@dataclass(frozen=True, kw_only=True)
class Strike:
    """One blow. `seconds` is how long the part is stopped, Ollama away, the room full; `to` where the clock is put."""

    at: float  # seconds since the start
    part: Part
    blow: Blow
    seconds: float = 0.0
    to: str = ""


PROCESSES = (Blow.KILL, Blow.KILL, Blow.STOP, Blow.STOP, Blow.TERM)
CONTAINERS = (Blow.KILL, Blow.TERM)
BLOWS = {
    Part.WORKER: PROCESSES,
    Part.OTHER_WORKER: PROCESSES,
    Part.JANITOR: PROCESSES,
    Part.WORKERS_CONTAINER: CONTAINERS,
    Part.PROXY: PROCESSES,
    Part.PROXYS_CONTAINER: CONTAINERS,
    Part.OLLAMA: PROCESSES,
    Part.CLOCK: (Blow.STEP,),
    Part.DISK: (Blow.COPY,),
}
WEIGHTS = {
    Part.WORKER: 5,
    Part.OTHER_WORKER: 5,
    Part.JANITOR: 2,
    Part.WORKERS_CONTAINER: 2,
    Part.PROXY: 4,
    Part.PROXYS_CONTAINER: 2,
    Part.OLLAMA: 2,
    Part.CLOCK: 2,
    Part.DISK: 3,
}
RECOVERY = {Part.WORKERS_CONTAINER: 4.0, Part.PROXYS_CONTAINER: 6.0, Part.PROXY: 3.0, Part.DISK: 4.0, Part.CLOCK: 4.0}
"""Seconds for which what was struck is let alone, 1 where none are said: a start takes as long on a busy machine, and
strikes at what is not there strike nothing."""
INSIDE = {Part.WORKERS_CONTAINER: (Part.WORKER, Part.JANITOR), Part.PROXYS_CONTAINER: (Part.PROXY,)}
OUTAGES = (
    (Part.SERVER, Blow.KILL, 0.0, 1.0),
    (Part.SERVER, Blow.KILL, 6.0, 7.0),
    (Part.SERVER, Blow.STOP, LEASE, LEASE + 1.0),
)
INTERRUPTIONS = (
    (Part.SESSIONS, Blow.END, 0.0, 0.0),
    (Part.CABLE, Blow.CUT, 0.0, LEASE),
    (Part.CABLE, Blow.HUSH, LEASE, LEASE + 2.0),
)
"""What befalls the server, and between how many seconds it lasts."""
OFFSETS = ("+0", "+1h", "-1h")


def plan(seed: int, seconds: float, *, without: frozenset[Part] = frozenset(), slowness: float = 1.0) -> list[Strike]:
    """Give the strikes of so many seconds, in their order; `without` the parts that cannot be struck here.

    Where what was struck takes longer to be back, by `slowness`, the same strikes come so much later.
    """
    random = Random(f"{seed}/plan")
    free_at = dict.fromkeys(Part, 0.0)
    offset, at, strikes = OFFSETS[0], 0.0, []
    while (at := at + random.expovariate(1 / EVERY)) < seconds / slowness:
        # What is drawn does not depend on what can be struck here, so that a seed means the same on every machine.
        free = [part for part in WEIGHTS if free_at[part] <= at]
        if not free:
            continue
        part = random.choices(free, weights=[WEIGHTS[part] for part in free])[0]
        blow = random.choice(BLOWS[part])
        length, offset_drawn = random.uniform(0, 1), random.choice([each for each in OFFSETS if each != offset])
        strike = Strike(at=at, part=part, blow=blow)
        match part, blow:
            case Part.CLOCK, _:
                offset = offset_drawn
                strike = Strike(at=at, part=part, blow=blow, to=offset)
            case Part.OLLAMA, Blow.STOP:
                strike = Strike(at=at, part=part, blow=blow, seconds=0.5 + 5 * length)
            case Part.OLLAMA, _:
                strike = Strike(at=at, part=part, blow=blow, seconds=2 * length)
            case _, Blow.STOP:
                # Back when others, who notice within a second, are likely in the middle of what they took over.
                strike = Strike(at=at, part=part, blow=blow, seconds=LEASE + 0.1 + 1.6 * length)
        for struck in (part, *INSIDE.get(part, ())):
            free_at[struck] = at + strike.seconds + RECOVERY.get(part, 1.0)
        if part not in without:
            strikes.append(replace(strike, at=at * slowness))
    apart = [*_fillings(seed, seconds / slowness), *_outages(seed, seconds / slowness)]
    strikes += [replace(strike, at=strike.at * slowness) for strike in apart if strike.part not in without]
    return sorted(strikes, key=lambda strike: strike.at)


def _fillings(seed: int, seconds: float) -> Iterator[Strike]:
    """Give the moments at which the room is filled: in every campaign, and drawn apart from all other strikes."""
    random = Random(f"{seed}/room")
    at = random.uniform(0.1, 0.3) * FILLED_EVERY
    while at < seconds - FILLED_EVERY / 5:
        yield Strike(at=at, part=Part.ROOM, blow=Blow.FILL, seconds=random.uniform(2, 5))
        at += random.uniform(0.7, 1.3) * FILLED_EVERY


def _outages(seed: int, seconds: float) -> Iterator[Strike]:
    """Give what happens to the server, and to the ways to it: each kind once before any comes again."""
    for kinds in (OUTAGES, INTERRUPTIONS):
        random = Random(f"{seed}/{kinds[0][0]}")
        at, left = random.uniform(0.3, 1) * PAUSE, list(kinds)
        while at < seconds:
            part, blow, least, most = left.pop(random.randrange(len(left)))
            strike = Strike(at=at, part=part, blow=blow, seconds=random.uniform(least, most))
            yield strike
            at += strike.seconds + random.uniform(0.5, 1.5) * PAUSE
            left = left or list(kinds)
