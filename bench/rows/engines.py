"""What the queue's verbs cost on either engine: submissions, hand-overs, writes of text, depth and place."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from bench.engines import POSTGRESQL, SQLITE
from bench.figures import Goal
from bench.measurement import Figure, Measurement, Side, Taken, ratio, value
from bench.users import Users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.engines import Engine
    from bench.measurement import Sides
    from bench.users import Told
    from bench.workbench import Workbench

PROCESSES = 4
SECONDS = 1.0  # that each takes in one turn
GROUP = 32
WAITING = 100_000
LOOKS = 200
WORKERS = (1, 2, 4)
FASTEST = 5_000  # hand-overs a second that nobody reaches
PIECES = (1, 16)  # claims whose text shares a commit
DURABILITY = {SQLITE: "fsync", POSTGRESQL: "fsync (synchronous_commit on)"}
HOW = "At the queue itself, each process with a queue of its own; a janitor cares for it meanwhile."


def rows() -> list[Measurement]:
    """Submissions, hand-overs, writes, and what is asked of a long line."""
    return [
        Measurement(
            name="engines-submit",
            what="submits/s on PostgreSQL / on SQLite",
            sides=_of_both(_submitting),
            repeats=5,
            seconds=70,
            figures=(
                *(
                    _faster(f"{group_of(group)}, {processes_of(processes)}", Goal(at_least=least))
                    for group, processes, least in ((GROUP, 1, 1.3), (GROUP, 4, 4), (1, 1, 0.55), (1, 4, 1.1))
                ),
                *(_faster(f"{at_once_of(GROUP)}, {processes_of(processes)}") for processes in (1, PROCESSES)),
            ),
            how=f"{HOW} In groups of {GROUP} as so many calls in one commit, which is how a proxy does it for those "
            "who wait; beside that as one call.",
        ),
        Measurement(
            name="engines-work",
            what="finish and claim in one commit, on PostgreSQL / on SQLite",
            sides=_of_both(_working),
            repeats=5,
            seconds=50,
            figures=tuple(
                _faster(workers_of(workers), Goal(at_least=least))
                for workers, least in zip(WORKERS, (0.7, 1.4, 1.6), strict=True)
            ),
            how=f"{HOW} Each worker is a process with one slot, and has its next prompt at once.",
        ),
        Measurement(
            name="engines-line",
            what=f"with {WAITING:,} waiting, on PostgreSQL",
            sides=_of_both(_looking),
            repeats=5,
            seconds=45,
            figures=(
                Figure(what="depth", values=value("depth ms", POSTGRESQL), goal=Goal(at_most=1), unit="ms"),
                Figure(what="place of one", values=value("place ms", POSTGRESQL), goal=Goal(at_most=3), unit="ms"),
                Figure(what="depth on SQLite", values=value("depth ms", SQLITE), unit="ms"),
                Figure(what="place on SQLite", values=value("place ms", SQLITE), unit="ms"),
            ),
            how=f"{HOW} Prompts anywhere in line, p50.",
        ),
        Measurement(
            name="engines-write",
            what="a commit of partial text on PostgreSQL / on SQLite",
            sides=_of_both(_writing),
            repeats=5,
            seconds=30,
            figures=tuple(
                Figure(
                    what=f"time, of {pieces_of(pieces)}",
                    values=ratio("rate", side_of(SQLITE, pieces_of(pieces)), to=side_of(POSTGRESQL, pieces_of(pieces))),
                    unit="×",
                )
                for pieces in PIECES
            ),
            how=f"{HOW} One process writes what a model says in a quarter of a second; not durable, as the watcher's. "
            "Beside it the watcher's look at whether its claims still hold.",
        ),
    ]


def side_of(engine: str, what: str) -> str:
    """Name a side."""
    return f"{engine}, {what}" if what else engine


def group_of(number: int) -> str:
    """Name a size of groups."""
    return f"{number} a commit"


def at_once_of(number: int) -> str:
    """Name a size of groups that are one call each."""
    return f"{number} by one call"


def processes_of(number: int) -> str:
    """Name a number of processes."""
    return f"{number} processes" if number > 1 else "1 process"


def workers_of(number: int) -> str:
    """Name a number of workers."""
    return f"{number} workers" if number > 1 else "1 worker"


def pieces_of(number: int) -> str:
    """Name a number of pieces of text."""
    return f"{number} prompts" if number > 1 else "1 prompt"


def glance_of(number: int) -> str:
    """Name a look at so many prompts."""
    return f"a look at {pieces_of(number)}"


def _faster(what: str, goal: Goal | None = None) -> Figure:
    values = ratio("rate", side_of(POSTGRESQL, what), to=side_of(SQLITE, what))
    return Figure(what=what, values=values, goal=goal, unit="×")


def _of_both(takes: Callable[[Workbench, Engine, Users], dict[str, Callable[[], Taken]]]) -> Sides:
    """Give what is taken of each engine as sides, those of SQLite and of PostgreSQL in turns."""

    @contextmanager
    def sides(bench: Workbench) -> Iterator[list[Side]]:
        with ExitStack() as ending:

            def of(engine: Engine) -> list[Side]:
                users = ending.enter_context(Users(engine.new_queue(), PROCESSES))
                return [
                    Side(name=side_of(engine.name, what), take=take, durability=DURABILITY[engine.name])
                    for what, take in takes(bench, engine, users).items()
                ]

            yield [side for pair in zip(*map(of, bench.engines()), strict=True) for side in pair]

    return sides


def _submitting(bench: Workbench, engine: Engine, users: Users) -> dict[str, Callable[[], Taken]]:
    def submitted(group: int, processes: int, *, at_once: bool = False) -> Taken:
        seconds = SECONDS if not bench.quick else 0.3
        return counted(
            engine, lambda: users.do("submit", processes=processes, group=group, at_once=at_once, seconds=seconds)
        )

    return {
        **{
            f"{group_of(group)}, {processes_of(processes)}": partial(submitted, group, processes)
            for group in (GROUP, 1)
            for processes in (1, PROCESSES)
        },
        **{
            f"{at_once_of(GROUP)}, {processes_of(processes)}": partial(submitted, GROUP, processes, at_once=True)
            for processes in (1, PROCESSES)
        },
    }


def _working(bench: Workbench, engine: Engine, users: Users) -> dict[str, Callable[[], Taken]]:
    seconds = SECONDS if not bench.quick else 0.3

    def worked(workers: int) -> Taken:
        wanted = round(FASTEST * seconds) - int(users[0].do("counts")["queued"])
        users[0].do("fill", number=max(0, wanted))
        return counted(engine, lambda: users.do("hand_over", processes=workers, seconds=seconds))

    return {workers_of(workers): partial(worked, workers) for workers in WORKERS}


def _looking(bench: Workbench, engine: Engine, users: Users) -> dict[str, Callable[[], Taken]]:
    bench.say(f"filling the line on {engine.name}")
    users[0].do("fill", number=bench.few(WAITING, WAITING // 20))
    return {"": lambda: users[0].do("look", number=bench.few(LOOKS, 20))}


def _writing(bench: Workbench, engine: Engine, users: Users) -> dict[str, Callable[[], Taken]]:
    def done(what: str, pieces: int) -> Taken:
        users[0].do("hold", slots=pieces)
        return counted(engine, lambda: users.do(what, processes=1, number=bench.few(200, 20)))

    return {
        words_of(pieces): partial(done, what, pieces)
        for pieces in PIECES
        for what, words_of in (("write", pieces_of), ("glance", glance_of))
    }


def counted(engine: Engine, do: Callable[[], list[Told]]) -> Taken:
    """Do something with a queue; how many units a second, and what each took of processors and of the log."""
    server, log = engine.processor_seconds(), engine.log_bytes()
    told = do()
    number = sum(each["number"] for each in told)
    taken: Taken = {
        "rate": sum(each["number"] / each["seconds"] for each in told),
        "client µs": 1_000_000 * sum(each["cpu"] for each in told) / number,
    }
    if server is not None:
        taken["server µs"] = 1_000_000 * ((engine.processor_seconds() or 0.0) - server) / number
    if log is not None:
        taken["log bytes"] = ((engine.log_bytes() or 0.0) - log) / number
    return taken
