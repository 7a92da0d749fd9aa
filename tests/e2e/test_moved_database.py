"""The database is deleted, moved or replaced under load: no 202 is lost, and service comes back by itself."""

from __future__ import annotations

import shutil
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.stack import Stack


class Clients:
    """Three clients that submit; `accepted` are the prompts of those submissions that began after the strike."""

    def __init__(self, stack: Stack) -> None:
        self.accepted: list[str] = []
        self.has_struck = threading.Event()
        self._stack = stack
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._submit) for _ in range(3)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _submit(self) -> None:
        while not self._over.is_set():
            struck = self.has_struck.is_set()
            with suppress(OSError):
                reply = self._stack.post("/api/v1/prompt", {"prompt": "Why?"})
                assert reply.status in (202, 503), reply.text
                if struck and reply.status == 202:
                    self.accepted.append(reply.json["id"])


def deleted(folder: Path) -> None:
    for file in folder.glob("queue.db*"):
        file.unlink()


def moved(folder: Path) -> None:
    (folder / "queue.db").rename(folder / "elsewhere.db")


@pytest.mark.ollama(text="short")
@pytest.mark.parametrize("strike", [deleted, moved, None], ids=["deleted", "moved", "replaced"])
@pytest.mark.parametrize("journal", ["wal", "persist"])
def test_nothing_is_accepted_into_a_file_that_is_gone_and_a_copy_in_its_place_is_served(
    build: Callable[..., Stack], strike: Callable[[Path], None] | None, journal: str
) -> None:
    stack = build(JOURNAL_MODE=journal)
    stack.start()
    stack.submit("Why?")
    folder = stack.folder / "data"
    assert stack.operate("backup", str(stack.folder / "copy.db")).returncode == 0

    with Clients(stack) as clients:
        until(lambda: stack.queue()["completed_per_minute"] > 5, "clients are served")
        if strike:
            strike(folder)
            clients.has_struck.set()
            until(lambda: stack.get("/healthz").status == 503, "it is not healthy")
            assert "was moved or deleted: put it back" in stack.get("/healthz").text
            assert not (folder / "queue.db").exists()
            assert clients.accepted == []
        shutil.copy(stack.folder / "copy.db", folder / "coming.db")
        (folder / "coming.db").rename(folder / "queue.db")
        clients.has_struck.set()
        until(lambda: len(clients.accepted) > 20, "it serves the copy")

    until(lambda: stack.get("/healthz").status == 200, "it is healthy")
    until(
        lambda: all(stack.status(each)["outcome"] == "succeeded" for each in clients.accepted), "all are answered", 60
    )
