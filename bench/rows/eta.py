"""How far off the estimated waiting time is."""

from __future__ import annotations

import json
import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.clients import Connection
from bench.measurement import Figure, Measurement, Side, Taken, value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.workbench import Workbench

TOKENS, PACE = 60, 0.02
KNOWN, PROMPTS = 6, 12  # answers from which the time of the next is estimated, and prompts that wait
FRESH = 1.05  # seconds; the proxy uses its counts again for one
ALIKE, UNLIKE = "answers of one length", "answers of 5 to 55 tokens"


def rows() -> list[Measurement]:
    """The one row."""
    return [
        Measurement(
            name="eta",
            what="error of eta_seconds while a prompt waits",
            sides=_sides,
            repeats=1,
            seconds=27,
            figures=tuple(
                Figure(what=f"{side}, {words}", values=value("percent", side, percent=percent), unit="%")
                for side in (ALIKE, UNLIKE)
                for words, percent in (("p50", 50), ("p90", 90))
            ),
            how=f"{PROMPTS} prompts are handed in at once, after {KNOWN} of the same kind were answered; each is "
            "asked for once. The error is what was told less what it took, as a share of what it took.",
        )
    ]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    server = bench.model_server(tokens=TOKENS, pace=PACE)
    with bench.product(server) as product, Connection(product.url) as client:
        known, number = bench.few(KNOWN, 3), bench.few(PROMPTS, 4)
        lengths = random.Random(1)

        def take(shortest: int, longest: int) -> Taken:
            def submitted() -> str:
                return client.submit(options={"num_predict": lengths.randint(shortest, longest)})

            for prompt_id in [submitted() for _ in range(known)]:
                client.result(prompt_id)
            waiting = [submitted() for _ in range(number)]
            time.sleep(FRESH)
            told: list[tuple[str, float, float]] = []
            for prompt_id in waiting:
                status = json.loads(client.ask("GET", f"/api/v1/prompt/{prompt_id}/status"))
                if status["status"] == "queued":
                    told.append((prompt_id, time.monotonic(), status["eta_seconds"]))
            errors = []
            for prompt_id, asked_at, eta in told:
                client.result(prompt_id)
                took = time.monotonic() - asked_at
                errors.append(100 * abs(eta - took) / took)
            return {"percent": errors}

        yield [
            Side(name=ALIKE, take=lambda: take(30, 30)),
            Side(name=UNLIKE, take=lambda: take(5, 55)),
        ]
