"""Other durable queues, each as it comes: how a prompt is put in, and how its own worker takes it out."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench import direct
from bench.measurement import Absent, CannotRun, Side
from bench.peers.celery_redis import CeleryRedis
from bench.peers.hoglah_sqlite import HoglahSQLite
from bench.peers.huey_sqlite import HueySQLite
from bench.peers.litequeue_sqlite import LiteQueueSQLite
from bench.peers.persistqueue_sqlite import PersistQueueSQLite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from simulator.client import Simulator

    from bench.measurement import Taken
    from bench.peers.peer import Peer
    from bench.workbench import Workbench

ROOT = Path(__file__).resolve().parents[2]
PEERS: tuple[Peer, ...] = (HueySQLite(), LiteQueueSQLite(), PersistQueueSQLite(), CeleryRedis(), HoglahSQLite())
ANSWERS_WITHIN = 15  # seconds that the first prompt may take; persist-queue looks every ten
DRAINED_WITHIN = 60  # seconds


def sides(
    bench: Workbench, server: Simulator, *, slots: int, take: Callable[[Callable[[], object]], Taken]
) -> list[Side | Absent]:
    """Give a side for every peer: `take` measures with what puts one prompt into its queue.

    Its worker, with so many slots, runs meanwhile and no longer, and has answered a first prompt.
    """

    def side(peer: Peer) -> Side | Absent:
        if why := peer.missing():
            return Absent(name=peer.name, why=why)

        def measured() -> Taken:
            folder = bench.new_folder()
            with peer.served(folder), _worker(peer, folder, slots=slots, url=server.url):
                put, calls = peer.putter(folder), direct.Calls(server)
                put()
                try:
                    calls.ended(1, within=ANSWERS_WITHIN)
                except TimeoutError:
                    raise CannotRun(_last_words(folder)) from None
                return take(put)

        return Side(name=peer.name, take=measured, durability=peer.durability, repeats=1)

    return [side(peer) for peer in PEERS]


def drained(peer: Peer, folder: Path, number: int) -> float:
    """Put so many prompts in, then start its worker; how many a second it takes out. Raises CannotRun."""
    with peer.served(folder):
        put = peer.putter(folder)
        for _ in range(number):
            put()
        with _worker(peer, folder, slots=1, drain=number) as worker:
            try:
                output, _ = worker.communicate(timeout=DRAINED_WITHIN)
            except subprocess.TimeoutExpired:
                message = f"{number} prompts were not drained within {DRAINED_WITHIN} s"
                raise CannotRun(message) from None
            if not output:
                raise CannotRun(_last_words(folder))
    return float(output)


@contextmanager
def _worker(
    peer: Peer, folder: Path, *, slots: int, url: str = "", drain: int = 0
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "bench.peers.working", peer.name, str(folder), str(slots), str(drain), url]
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log)
    with worker:
        try:
            yield worker
        finally:
            worker.kill()  # none of them has anything left to lose


def _last_words(folder: Path) -> str:
    words = (folder / "worker.log").read_text().strip().splitlines()
    return f"its worker answered nothing: {words[-1] if words else 'and said nothing'}"
