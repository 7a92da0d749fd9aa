"""History: what the queue did in each of the last minutes, worked out from what was noted.

Minutes are told apart by a clock that nobody sets and that does not stand still in sleep; the wall clock gives them
their names when they are shown. So a wall clock that is set renames all minutes alike: what was counted in one stays in
one, is counted once, and is as long ago as it was. Of another boot only the names of then are known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from promptqueue.condition import Minute

MINUTE = 60  # seconds
SAME = 30  # seconds that two beginnings of one minute may be apart: the wall clock is kept in step by small changes
KEPT = 2 * 3600  # seconds for which minutes are kept
MOST_MINUTES = 60  # that can be asked for


@dataclass(frozen=True, kw_only=True, slots=True)
class Now:
    """The present, by the clocks of this boot."""

    boot: str
    wall: float
    elapsed: float  # seconds of the boot, by the clock that nobody sets

    @property
    def began(self) -> int:
        """When the present minute began, in seconds of the boot."""
        return round(self.elapsed - self.wall % MINUTE)

    @property
    def minute(self) -> int:
        """The same in seconds since the epoch."""
        return int(self.wall // MINUTE) * MINUTE


@dataclass(frozen=True, kw_only=True, slots=True)
class Sight:
    """How the line stood when somebody looked."""

    boot: str
    began: int  # of the minute, in seconds of the boot
    minute: int  # the same in seconds since the epoch
    moves: int  # how often the line had moved
    queued: int
    oldest_wait_seconds: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted:
    """What was noted of a minute."""

    boot: str  # "" where nothing but the wall clock is known
    began: int
    minute: int
    completed: int = 0
    failed: int = 0
    tokens: int = 0
    sight: Sight | None = None
    rested: int | None = None  # how often the line had moved when a prompt ended last and left it empty


def is_same_minute(one: Sight | Noted, other: Sight | Noted) -> bool:
    """Whether two fell into one minute."""
    return one.boot == other.boot and abs(one.began - other.began) < SAME


def is_unmoved(before: Sight, after: Sight) -> bool:
    """Whether the line stood still from one look to the other."""
    return (before.boot, before.moves) == (after.boot, after.moves)


def news(sight: Sight, *, seen: Sight | None, noted: Sequence[Noted]) -> list[Sight]:
    """Say what is to be noted at a `sight`, after what its observer has `seen` last and what is `noted`.

    Nothing while the line stands still: what was noted then holds until it moves. When it has moved it is noted until
    when it stood still, and once a minute how it stands.
    """
    found = []
    if seen and not is_unmoved(seen, sight) and not _is_noted(seen, noted):
        found.append(seen)
    if (
        not _stood_until(sight, noted)
        and not _is_noted(sight, noted)
        and not any(is_same_minute(each, sight) for each in found)
    ):
        found.append(sight)
    return found


def first_look(sight: Sight, seen: Sight | None) -> Sight:
    """Give the look that stands for the present minute: the first, while nothing has moved since."""
    return seen if seen and is_same_minute(seen, sight) and is_unmoved(seen, sight) else sight


def _stood_until(look: Sight, noted: Sequence[Noted]) -> bool:
    """Whether the line had not moved since what was noted last in a minute before."""
    before = [each for each in noted if each.boot == look.boot and each.began <= look.began - SAME]
    points = [point for each in sorted(before, key=lambda each: each.began) for point in _points(each)]
    return bool(points) and is_unmoved(points[-1], look)


def _is_noted(look: Sight, noted: Sequence[Noted]) -> bool:
    return any(each.sight and is_same_minute(each, look) for each in noted)


def _points(noted: Noted) -> list[Sight]:
    """Give what is known of the line by this minute: when it was young, and when a prompt ended last."""
    points = [noted.sight] if noted.sight else []
    if noted.rested is not None:
        points.append(
            Sight(
                boot=noted.boot,
                began=noted.began,
                minute=noted.minute,
                moves=noted.rested,
                queued=0,
                oldest_wait_seconds=None,
            )
        )
    return points


def last_minutes(noted: Sequence[Noted], *, now: Now, line: Sight, number: int) -> list[Minute]:
    """Give the last minutes, the present one last; `line` is how the line stands now."""
    named = [(name, each) for each in noted if (name := _name(each, now)) is not None]
    in_order = sorted(named, key=lambda one: _order(one[1], now))
    points = [(name, point, point is each.sight) for name, each in in_order for point in _points(each)]
    first = now.minute - (number - 1) * MINUTE
    minutes = {
        start: Minute(start=start, queued=None, oldest_wait_seconds=None)
        for start in range(first, now.minute + 1, MINUTE)
    }
    for name, sight in _stood([*points, (now.minute, line, True)], first):
        if name in minutes:
            waited = sight.oldest_wait_seconds
            minutes[name] = replace(minutes[name], queued=sight.queued, oldest_wait_seconds=waited)
    for name, each in named:
        if name in minutes:
            so_far = minutes[name]
            minutes[name] = replace(
                so_far,
                completed=so_far.completed + each.completed,
                failed=so_far.failed + each.failed,
                tokens=so_far.tokens + each.tokens,
            )
    return [*minutes.values()]


def _stood(points: list[tuple[int, Sight, bool]], first: int) -> Iterable[tuple[int, Sight]]:
    """Give each look under its minute's name, and under those of minutes after it in which the line stood still."""
    for (name, point, is_look), (next_name, following, _) in pairwise(points):
        if is_look:
            yield name, point
        if point.moves == following.moves:
            for later in range(max(name + MINUTE, first), next_name, MINUTE):
                waited = point.oldest_wait_seconds
                yield later, replace(point, oldest_wait_seconds=None if waited is None else waited + later - name)
    name, point, _ = points[-1]
    yield name, point


def _name(noted: Noted, now: Now) -> int | None:
    """Give the minute's name, in seconds since the epoch; None where it has none that can be true."""
    if noted.boot == now.boot:
        since_epoch = noted.began + now.wall - now.elapsed
        return min(now.minute, int((since_epoch + SAME) // MINUTE) * MINUTE)
    ended_by = now.wall if not noted.boot else now.wall - now.elapsed  # another boot was over when this one began
    return noted.minute if noted.minute <= ended_by else None


def _order(noted: Noted, now: Now) -> tuple[bool, int]:
    return (True, noted.began) if noted.boot == now.boot else (False, noted.minute)
