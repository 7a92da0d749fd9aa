"""hoglah on SQLite: the nearest relative, a queue for Ollama with a worker of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from bench.peers.peer import Peer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class HoglahSQLite(Peer):
    """Durable, with leases. Its worker looks for prompts twice a second."""

    name, package = "hoglah", "hoglah"
    durability = "fsync"
    drained = 60

    def putter(self, folder: Path) -> Callable[[], object]:
        hoglah = _open(folder, start_worker=False)
        return lambda: hoglah.submit(prompt="Why is the sky blue?", model="llama3.2")

    def work(self, folder: Path, handle: Callable[[], None], *, slots: int, url: str) -> None:
        from hoglah import StubAdapter  # noqa: PLC0415 (optional)

        class Instant(StubAdapter):  # type: ignore[misc, unused-ignore]  # it has no types, or is not there
            async def run(self, _request: Any) -> tuple[str, dict[str, int], dict[str, Any]]:
                handle()
                return "Rayleigh.", {}, {}

        if url:
            _open(folder, concurrency=slots, ollama_host=url, use_real=True)
        else:
            _open(folder, concurrency=slots, adapter=Instant())
        threading.Event().wait()


def _open(folder: Path, **settings: Any) -> Any:
    from hoglah import Hoglah  # noqa: PLC0415 (optional)

    made = {name: settings.pop(name) for name in ("start_worker", "use_real", "adapter") if name in settings}
    return Hoglah(config={"db_path": folder / "hoglah.db", "log_level": "ERROR", **settings}, **made)
