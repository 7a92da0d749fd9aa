"""How soon things end, and begin again: a worker that is killed, one that hangs, a prompt that is cancelled."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from support.waiting import until

from bench import direct
from bench.clients import Connection
from bench.figures import Goal
from bench.measurement import PRODUCT, Figure, Measurement, Side, Taken, value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.workbench import Workbench

LEASE = 3  # seconds
LONG = 2000  # tokens; no answer ends by itself before it is ended
UNDER_WAY = 150  # tokens, 3 s: a program that dies within its first two seconds is started again with a delay


def rows() -> list[Measurement]:
    """Kill, hang, cancel."""
    return [
        Measurement(
            name="kill",
            what="SIGKILL of the worker → the prompt runs again",
            sides=_killed,
            repeats=3,
            seconds=14,
            figures=(Figure(what="", values=value("seconds"), goal=Goal(at_most=3), unit="s"),),
            how=f"In mid-answer, {UNDER_WAY} tokens after its beginning, until the model server has the second call; "
            "supervisord starts the new worker, as in the container.",
        ),
        Measurement(
            name="hang",
            what="a hung worker's prompt is back in the queue",
            sides=_hung,
            repeats=2,
            seconds=14,
            figures=(Figure(what="", values=value("seconds"), goal=Goal(at_most=LEASE + 2), unit="s"),),
            how=f"SIGSTOP of the worker, with a lease of {LEASE} s, until the prompt's status is queued.",
        ),
        Measurement(
            name="cancel",
            what="cancel → Ollama's connection closed",
            sides=_cancelled,
            repeats=3,
            seconds=10,
            figures=(
                Figure(what="p99", values=value("ms", percent=99), goal=Goal(at_most=1000), unit="ms"),
                Figure(what="p50", values=value("ms"), unit="ms"),
            ),
            how="From before the cancel is sent until the model server sees the connection closed in mid-answer.",
        ),
    ]


@contextmanager
def _killed(bench: Workbench) -> Iterator[list[Side]]:
    server = bench.model_server(tokens=LONG, pace=0.02)
    with bench.product(server) as product, Connection(product.url) as client:

        def take() -> Taken:
            calls = direct.Calls(server)
            prompt_id = client.submit()
            calls.tokens(UNDER_WAY)
            worker = product.worker_process()
            began = time.monotonic()
            worker.signal(signal.SIGKILL)
            again = calls.received(2)
            client.cancel(prompt_id)
            calls.ended(2)
            return {"seconds": again - began}

        yield [Side(name=PRODUCT, take=take)]


@contextmanager
def _hung(bench: Workbench) -> Iterator[list[Side]]:
    server = bench.model_server(tokens=LONG, pace=0.02)
    with bench.product(server, LEASE_SECONDS=str(LEASE)) as product, Connection(product.url) as client:

        def take() -> Taken:
            calls = direct.Calls(server)
            prompt_id = client.submit()
            calls.token(1)
            worker = product.worker_process()
            worker.signal(signal.SIGSTOP)
            began = time.monotonic()
            try:
                until(lambda: product.status(prompt_id)["status"] == "queued", "it is back in the queue")
                taken = time.monotonic() - began
                client.cancel(prompt_id)
            finally:
                worker.signal(signal.SIGCONT)
            calls.ended(1)
            return {"seconds": taken}

        yield [Side(name=PRODUCT, take=take)]


@contextmanager
def _cancelled(bench: Workbench) -> Iterator[list[Side]]:
    server = bench.model_server(tokens=LONG, pace=0.01)
    with bench.product(server) as product, Connection(product.url) as client:

        def take() -> Taken:
            calls, taken = direct.Calls(server), []
            for number in range(1, bench.few(40, 5) + 1):
                prompt_id = client.submit()
                calls.token(number)
                began = time.monotonic()
                client.cancel(prompt_id)
                taken.append(1000 * (calls.ended(number)["ended"] - began))
            return {"ms": taken}

        yield [Side(name=PRODUCT, take=take)]
