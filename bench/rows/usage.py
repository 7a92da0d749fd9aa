"""What the product uses: the worker's processor time for each token, and everything's time and memory at rest."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench import direct
from bench.clients import Connection
from bench.figures import Goal
from bench.measurement import PRODUCT, Figure, Measurement, Side, Taken, value
from bench.usage import memory, processor_seconds, written_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.stack import Stack

    from bench.workbench import Workbench

TOKENS, PACE = 500, 0.005  # 200 tokens a second
ANSWERS = 2
READING = "a client that only reads"
REST = 20.0  # seconds
BEFORE_REST = 5  # prompts: at rest is after some work, not before the first


def rows() -> list[Measurement]:
    """Tokens, rest, memory."""
    return [
        Measurement(
            name="tokens",
            what="worker CPU per 1,000 tokens, live text and write-back included",
            sides=_tokens,
            repeats=3,
            seconds=36,
            figures=(
                Figure(what="", values=value("ms"), goal=Goal(at_most=80), unit="ms"),
                Figure(what="reading and parsing alone", values=value("ms", READING), unit="ms"),
            ),
            how="At 200 tokens a second, one token in each line of the stream; the worker's process alone.",
        ),
        Measurement(
            name="idle",
            what="idle CPU of the whole stack but Ollama and health checks, and what it writes",
            sides=_idle,
            repeats=1,
            seconds=REST + 4,
            figures=(
                Figure(what="CPU", values=value("percent"), goal=Goal(at_most=0.5), unit="% of a core"),
                Figure(what="written", values=value("written"), goal=Goal(at_most=0), unit="bytes"),
            ),
            how=f"Gunicorn, proxy, supervisord, worker and janitor for {REST:g} s, after {BEFORE_REST} prompts. The "
            "heartbeat lies in memory, as in the container. nginx, which only the containers have, is not in it.",
        ),
        Measurement(
            name="memory",
            what="memory at rest (PSS): proxy, worker container",
            sides=_memory,
            repeats=1,
            seconds=4,
            figures=(
                Figure(what="proxy", values=value("proxy"), goal=Goal(at_most=120), unit="MB"),
                Figure(what="worker container", values=value("worker"), goal=Goal(at_most=80), unit="MB"),
            ),
            how=f"After {BEFORE_REST} prompts. In the worker's container: supervisord, worker, janitor, listener.",
        ),
    ]


@contextmanager
def _tokens(bench: Workbench) -> Iterator[list[Side]]:
    server = bench.model_server(tokens=TOKENS, pace=PACE)
    with bench.product(server) as product, Connection(product.url) as client:
        worker = product.worker_process()
        answers = bench.few(ANSWERS, 1)

        def take() -> Taken:
            before = processor_seconds([worker])
            for _ in range(answers):
                client.result(client.submit())
            return {"ms": 1_000_000 * (processor_seconds([worker]) - before) / (answers * TOKENS)}

        def only_read() -> Taken:
            before = time.process_time()
            read = sum(1 for _ in range(answers) for _ in direct.ask(server.url))
            return {"ms": 1_000_000 * (time.process_time() - before) / read}

        yield [Side(name=PRODUCT, take=take), Side(name=READING, take=only_read)]


@contextmanager
def _idle(bench: Workbench) -> Iterator[list[Side]]:
    with bench.product(bench.model_server()) as product:
        _work(product)
        time.sleep(2)  # of rest, so that no last write of the work is counted

        def take() -> Taken:
            processes, began = product.processes(), time.monotonic()
            used, written = processor_seconds(processes), written_bytes(processes)
            time.sleep(bench.few(int(REST), 3))
            share = (processor_seconds(processes) - used) / (time.monotonic() - began)
            return {"percent": 100 * share, "written": written_bytes(processes) - written}

        yield [Side(name=PRODUCT, take=take)]


@contextmanager
def _memory(bench: Workbench) -> Iterator[list[Side]]:
    with bench.product(bench.model_server()) as product:
        _work(product)
        gunicorns = [each for each in product.processes() if "gunicorn" in each.arguments]
        others = [each for each in product.processes() if each not in gunicorns]
        yield [
            Side(name=PRODUCT, take=lambda: {"proxy": memory(gunicorns) / 1e6, "worker": memory(others) / 1e6}),
        ]


def _work(product: Stack) -> None:
    with Connection(product.url) as client:
        for number in range(BEFORE_REST):
            client.result(client.submit(f"Question {number}"))
