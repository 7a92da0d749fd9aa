"""Use the queue's verbs in a process of their own, as often as a line comes in: this release's, or an older one's.

`python owning.py STORED OWNERS FOLDER` fills a queue there. For each line it prints microseconds of CPU, call by call.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptqueue.prompt import Answered, NewPrompt, Terms

from bench.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EACH = 40  # of each verb in one turn
TERMS = Terms(worker="bench", lease_seconds=3600.0)
ENDING = Answered(record={"response": "Rayleigh.", "done": True}, tokens=2)


def main(number: int, owners: int, folder: Path) -> None:
    """Fill a queue, and use it until there are no more lines."""
    stored = Stored.of(number, folder, owners=owners) if owners > 1 else Stored.of(number, folder)
    askers: Iterator[dict[str, Any]] = itertools.repeat({})
    if owners > 1:
        askers = itertools.cycle({"owner": 2 + n} for n in range(owners))
    with stored.opened() as queue:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for _ in sys.stdin:
            sys.stdout.write(f"{json.dumps(_used(queue, askers, stored))}\n")
            sys.stdout.flush()


def _used(queue: Any, askers: Iterator[dict[str, Any]], stored: Stored) -> dict[str, list[float]]:
    accepted: list[Any] = []
    claims: list[Any] = []
    new = [NewPrompt(request={"prompt": "Why is the sky blue?"}, **next(askers)) for _ in range(EACH)]
    submit = [_timed(lambda: accepted.extend(queue.enqueue(new.pop()))) for _ in range(EACH)]
    waiting = stored.ids("queued", EACH)
    return {
        "submit": submit,
        "position": [_timed(partial(queue.position, each)) for each in waiting],
        "claim": [_timed(lambda: claims.append(queue.claim(TERMS))) for _ in range(EACH)],
        "finish": [_timed(partial(queue.finish, claim, ENDING)) for claim in claims],
    }


def _timed(verb: Callable[[], object]) -> float:
    began = time.thread_time_ns()
    verb()
    return (time.thread_time_ns() - began) / 1_000


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
