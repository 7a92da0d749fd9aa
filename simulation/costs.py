"""What the parts of a prompt's way cost on an engine: seconds of what everybody shares, and of each process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.engines import POSTGRESQL, SQLITE
from bench.rows.engines import (
    GROUP,
    PIECES,
    PROCESSES,
    WORKERS,
    glance_of,
    group_of,
    pieces_of,
    processes_of,
    side_of,
    workers_of,
)
from bench.rows.engines_text import LISTENERS, listeners_of

if TYPE_CHECKING:
    from simulation.readings import Measured

FLUSHES = 50.0  # a second: live text of a process goes together for 20 ms
MICRO = 1e-6


@dataclass(frozen=True)
class Linear:
    """What grows with how many share it: a part for the commit, and one for each. Seconds."""

    base: float
    each: float

    @classmethod
    def through(cls, one: float, many: float, *, number: float) -> Linear:
        """Find it from the seconds that one takes, and that `number` take together. Neither part is negative."""
        each = max(0.0, (many - one) / (number - 1))
        return cls(base=max(0.0, one - each), each=each)

    def of(self, number: float) -> float:
        """Give the seconds for so many."""
        return self.base + number * self.each


NOTHING = Linear(0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Of one engine, in seconds. What everybody shares is SQLite's writer, or the processors of PostgreSQL's server."""

    engine: str
    # Of what everybody shares.
    submit: Linear  # of prompts in a commit
    hand_over: float  # finish and claim
    write: Linear  # of prompts whose text is in a commit
    glance: Linear  # of prompts that are looked at
    notify: Linear  # of listening processes that are woken
    wait: float  # for the disk, and on the way to the server and back; of SQLite it is in the other figures
    # Of the processes: what runs in Python.
    worker_answer: float
    worker_token: float
    proxy_submission: float
    proxy_result: float
    model_token: float  # of the simulated model server, where it runs on the same machine
    # Of the server, without seconds.
    log_bytes: float  # for a prompt's commits, but those of its text
    log_bytes_of_text: float  # for each prompt in a commit of text
    connections: float  # of a proxy, a worker and a janitor together

    @property
    def is_alone(self) -> bool:
        """Whether what is shared serves one at a time."""
        return self.engine == SQLITE


def of(engine: str, measured: Measured) -> Costs:
    """Take an engine's costs from what was measured. Raises KeyError where a part of it was not."""
    return _of_sqlite(measured) if engine == SQLITE else _of_postgresql(measured)


def _of_sqlite(measured: Measured) -> Costs:
    """A commit holds the writer for as long as it takes where several processes commit without a pause."""

    def seconds(row: str, what: str) -> float:
        return 1 / measured.value(row, side_of(SQLITE, what), "rate")

    one, group = (f"{what}, {processes_of(PROCESSES)}" for what in (group_of(1), group_of(GROUP)))
    few, many = PIECES
    in_queue = MICRO * measured.value("engines-work", side_of(SQLITE, workers_of(1)), "client µs")
    return Costs(
        engine=SQLITE,
        submit=Linear.through(seconds("engines-submit", one), GROUP * seconds("engines-submit", group), number=GROUP),
        hand_over=seconds("engines-work", workers_of(max(WORKERS))),
        write=Linear.through(
            few * seconds("engines-write", pieces_of(few)),
            many * seconds("engines-write", pieces_of(many)),
            number=many,
        ),
        glance=NOTHING,
        notify=NOTHING,
        wait=0.0,
        log_bytes=0.0,
        log_bytes_of_text=0.0,
        connections=0.0,
        # What a hand-over takes of the process is a part of the time for which it holds the writer.
        **_of_processes(SQLITE, measured, but=in_queue),
    )


def _of_postgresql(measured: Measured) -> Costs:
    def server(row: str, what: str) -> float:
        return MICRO * measured.value(row, side_of(POSTGRESQL, what), "server µs")

    def log_bytes(row: str, what: str) -> float:
        return measured.value(row, side_of(POSTGRESQL, what), "log bytes")

    def woken(listeners: int) -> float:
        percent = measured.value("engines-text", side_of(POSTGRESQL, listeners_of(listeners)), "server %")
        return percent / 100 / FLUSHES

    one, group = (f"{what}, {processes_of(PROCESSES)}" for what in (group_of(1), group_of(GROUP)))
    few, many = PIECES
    most_listeners, least_listeners = LISTENERS
    alone = {
        key: MICRO * measured.value("engines-work", side_of(POSTGRESQL, workers_of(1)), f"{key} µs")
        for key in ("client", "server")
    }
    rate = measured.value("engines-work", side_of(POSTGRESQL, workers_of(1)), "rate")
    notify = Linear.through(woken(least_listeners), woken(most_listeners), number=most_listeners)
    return Costs(
        engine=POSTGRESQL,
        submit=Linear.through(server("engines-submit", one), GROUP * server("engines-submit", group), number=GROUP),
        hand_over=server("engines-work", workers_of(max(WORKERS))),
        write=Linear.through(
            few * server("engines-write", pieces_of(few)), many * server("engines-write", pieces_of(many)), number=many
        ),
        glance=Linear.through(
            few * server("engines-write", glance_of(few)), many * server("engines-write", glance_of(many)), number=many
        ),
        notify=notify,
        wait=max(0.0, 1 / rate - alone["client"] - alone["server"]),
        log_bytes=log_bytes("engines-submit", one) + log_bytes("engines-work", workers_of(max(WORKERS))),
        log_bytes_of_text=log_bytes("engines-write", pieces_of(many)),
        connections=measured.value("engines-answers", POSTGRESQL, "connections"),
        **_of_processes(POSTGRESQL, measured, but=0.0),
    )


def _of_processes(engine: str, measured: Measured, *, but: float) -> dict[str, float]:
    def taken(key: str) -> float:
        return MICRO * measured.value("engines-answers", engine, key)

    return {
        "worker_answer": max(0.0, taken("worker, an answer") - but),
        "worker_token": taken("worker, a token"),
        "proxy_submission": taken("proxy, a submission"),
        "proxy_result": taken("proxy, a result"),
        "model_token": taken("model, a token"),
    }
