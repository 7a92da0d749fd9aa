"""A campaign: clients use the product, the striker strikes it, and when it is quiet again everything is added up."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from support.front_door import FrontDoor
from support.waiting import until

from chaos import checker
from chaos.clients import Clients
from chaos.copies import Copies
from chaos.door import Door
from chaos.evidence import Evidence, calls, finishes
from chaos.filler import Filler
from chaos.history import History
from chaos.official import Official
from chaos.onlooker import Onlooker
from chaos.owners import Keyless
from chaos.plan import OF_A_FILE, OF_A_SERVER, Part, plan
from chaos.prying import Prying
from chaos.striker import Striker
from chaos.target import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from chaos.findings import Finding, Kind
    from chaos.owners import Cast
    from chaos.target import Target

CLIENTS = 24  # who mostly wait, so that workers always have something in hand
READY_WITHIN = 60.0  # seconds
SETTLED_WITHIN = 60.0  # seconds from the last strike until every prompt must have ended


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a campaign."""

    evidence: Evidence
    findings: Sequence[Finding]
    copies: int
    restarts: str
    settled_in: float | None  # seconds from the last strike to the last prompt's end; None when it did not come

    def number(self, kind: Kind) -> int:
        """How many findings there are of this kind."""
        return sum(finding.kind is kind for finding in self.findings)


def run(
    product: Target,
    folder: Path,
    *,
    seed: int,
    seconds: float,
    progress: Callable[[str], None],
    cast: Cast | None = None,
    without: frozenset[Part] = frozenset(),
) -> Outcome:
    """Run a campaign of so many seconds against `product`; all that it saw stays in `folder`.

    Without a `cast` nobody has a key. Parts that are named in `without` are let alone.
    """
    cast = cast or Keyless()
    history = History(folder / "history.jsonl")
    copies = Copies(product, folder / "copies", history)
    onlooker = Onlooker(product)
    filler = Filler(product.ports[0], product.room, cast)
    striker = Striker(product, copies, filler, folder / "strikes.jsonl")
    door = Door(product.ports, history, cast)
    clients = Clients(door, seed=seed, number=CLIENTS)
    official = Official(product.ports, cast, seed=seed)
    prying = Prying(door, seed=seed)
    front = FrontDoor(f"http://127.0.0.1:{product.ports[0]}")
    try:
        product.start()
        until(lambda: front.get("/readyz").status == 200, "the product is ready", READY_WITHIN)
        cast.start()
        front = FrontDoor(front.url, headers=cast.steward.headers)
        onlooker.start()
        copies.start()
        clients.start()
        official.start()
        prying.start()
        striker.start(plan(seed, seconds, without=without | _missing(product), slowness=product.slowness))
        while striker.is_at_it:
            progress(f"{striker.kills} kills, {len(clients.scripts)} prompts, {len(history.everything())} answers")
            time.sleep(1)
        striker.wait()
        filler.end()
        cast.hush()
        prying.end()
        progress("no more strikes; waiting for every prompt to end")
        settled_in = _settle(front, clients, official)
        _read_all(door, clients, history)
        assert onlooker.is_there, "the onlooker has gone"
    finally:
        onlooker.end()
        remains = product.end()
    copies.end()
    history.close()
    progress("checking")
    evidence = Evidence(
        history=history.everything(),
        scripts=clients.scripts,
        stored=remains.stored,
        looks=onlooker.looks,
        calls=calls(remains.journal),
        finishes=finishes(*remains.worker_logs),
        struck=striker.struck,
        fillings=filler.fillings,
        questions=official.asked(),
        revocations=cast.revocations,
        pried=prying.pried,
        listed=prying.listed,
        max_failures=int(VARIABLES["MAX_FAILURES"]),
    )
    _keep(evidence, folder / "owners.json")
    return Outcome(
        evidence=evidence,
        findings=[*checker.findings(evidence), *copies.findings],
        copies=copies.checked,
        restarts=product.restarts,
        settled_in=settled_in,
    )


def _missing(product: Target) -> frozenset[Part]:
    """Name the parts that this product has not."""
    return (OF_A_FILE if product.postgres else OF_A_SERVER) | ({Part.CLOCK} if product.clock is None else set())


def _keep(evidence: Evidence, file: Path) -> None:
    """Write down what the owners did, for people."""
    kept = {name: getattr(evidence, name) for name in ("revocations", "pried", "listed")}
    if any(kept.values()):
        told = {name: [asdict(each) for each in done] for name, done in kept.items()}
        file.write_text(json.dumps(told, indent=1, default=sorted), "utf-8")


def _settle(front: FrontDoor, clients: Clients, official: Official) -> float | None:
    """Wait until the clients have what they wanted and nothing is left to do; the seconds it took."""
    start = time.monotonic()

    def nothing_is_left() -> bool:
        reply = front.get("/api/v1/queue")
        return reply.status == 200 and reply.json["queued"] + reply.json["processing"] == 0

    try:
        official.hush()
        clients.end(SETTLED_WITHIN)
        official.end(max(1.0, start + SETTLED_WITHIN - time.monotonic()))
        until(nothing_is_left, "nothing is left to do", max(1.0, start + SETTLED_WITHIN - time.monotonic()))
    except AssertionError:
        return None  # the checker finds what is stuck
    return time.monotonic() - start


def _read_all(door: Door, clients: Clients, history: History) -> None:
    """Ask once more for every prompt that was accepted: each 202 is found again."""
    accepted = {
        seen.script: seen.prompt_id for seen in history.everything() if seen.what == "submit" and seen.status == 202
    }
    for script, prompt_id in accepted.items():
        if prompt_id:
            door.status(clients.scripts[script], prompt_id)
            door.result(clients.scripts[script], prompt_id)
