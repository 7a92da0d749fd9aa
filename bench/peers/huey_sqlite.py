"""huey on SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.peers.peer import Peer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ANSWER = {"response": "Rayleigh.", "done": True}


class HueySQLite(Peer):
    """Durable until a worker takes the prompt: its row is deleted then, so a killed worker loses it.

    It keeps results, as it does by itself: a queue that forgets the answers does less than the others here.
    """

    name, package = "huey", "huey"
    durability = "fsync; the row is deleted when a worker takes it; the result is kept"

    def putter(self, folder: Path) -> Callable[[], object]:
        return _task(folder, lambda: None)[1]

    def work(self, folder: Path, handle: Callable[[], None], *, slots: int, url: str) -> None:  # noqa: ARG002 (of those that call by themselves)
        huey, _ = _task(folder, handle)
        huey.create_consumer(workers=slots, worker_type="thread", periodic=False).run()


def _task(folder: Path, handle: Callable[[], None]) -> tuple[Any, Callable[[], object]]:
    from huey import SqliteHuey  # noqa: PLC0415 (optional)

    huey = SqliteHuey("bench", filename=str(folder / "huey.db"))

    def ask(_prompt: str) -> dict[str, Any]:
        handle()
        return ANSWER

    task = huey.task(name="ask")(ask)
    return huey, lambda: task("Why is the sky blue?")
