"""A small disk, filled through the front door: what is kept for erasing stays, and erasing gives the room back."""

from __future__ import annotations

import threading
import uuid
from contextlib import contextmanager
from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from support.small_disk import mounted
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.client import Reply
    from support.small_disk import SmallDisk
    from support.stack import Stack

MB = 1024 * 1024
DISK, RESERVE = 40 * MB, 12 * MB
LONG = "Tell me about discs. " * 10_000  # 210 KB, for prompts that are never to run
SHORT = "Tell me about discs. " * 500  # 10 KB; the model would refuse more than fits into its context


class Flood:
    """Submits and ends prompts in every way that costs the line nothing, and some that wait, until it is refused."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.waiting: list[str] = []
        self.kept: list[str] = []  # they ended, and may be asked for

    def rise(self) -> Reply:
        """Go on until there is no room; the refusal."""
        for end in self._endings():
            refusal = end()
            if refusal:
                return refusal
        raise AssertionError("never refused")

    def _endings(self) -> Iterator[Callable[[], Reply | None]]:
        yield from cycle((self._expire, self._cancel, self._delete, self._wait))

    def _expire(self) -> Reply | None:
        return self._submit(LONG, expires_in=0.000001)

    def _cancel(self) -> Reply | None:
        if refusal := self._submit(LONG):
            return refusal
        self._stack.cancel(self.kept[-1])
        return None

    def _delete(self) -> Reply | None:
        """Leave nothing but an Idempotency-Key."""
        if refusal := self._submit(LONG, key=f"flood-{uuid.uuid4()}"):
            return refusal
        deleted = self._stack.delete(f"/api/v1/prompt/{self.kept.pop()}")
        assert deleted.status == 204, deleted.text
        return None

    def _wait(self) -> Reply | None:
        if refusal := self._submit(SHORT):
            return refusal
        self.waiting.append(self.kept.pop())
        return None

    def _submit(self, prompt: str, *, key: str | None = None, **fields: float) -> Reply | None:
        headers = {} if key is None else {"Idempotency-Key": key}
        reply = self._stack.post("/api/v1/prompt", {"prompt": prompt, **fields}, **headers)
        if reply.status == 202:
            self.kept.append(reply.json["id"])
            return None
        return reply


@contextmanager
def least_free(disk: SmallDisk) -> Iterator[Callable[[], int]]:
    """Look at the disk all the time; the fewest bytes that were free at any moment so far."""
    seen, ending = [disk.free()], threading.Event()

    def look() -> None:
        while not ending.wait(0.002):
            seen.append(disk.free())

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield lambda: min(seen)
    finally:
        ending.set()
        looking.join()


@pytest.fixture(params=["wal", "persist"])
def on_small_disk(request: pytest.FixtureRequest, build: Callable[..., Stack]) -> Iterator[tuple[Stack, SmallDisk]]:
    """A product whose proxy runs, its queue on a small disk."""
    stack = build(MIN_FREE_BYTES=str(RESERVE), JOURNAL_MODE=request.param)
    with mounted(stack.folder / "data", size=f"{DISK}") as disk:
        stack.start_proxy()
        if request.param not in stack.get("/healthz").text:
            pytest.skip("the linked SQLite cannot be trusted with a write-ahead log")
        yield stack, disk
        stack.stop()


@pytest.mark.ollama(text="short")
def test_a_disk_filled_by_every_cheap_ending_keeps_its_reserve_and_is_mended_by_the_products_own_means(
    on_small_disk: tuple[Stack, SmallDisk],
) -> None:
    stack, disk = on_small_disk
    flood = Flood(stack)
    with least_free(disk) as least:
        refusals = [flood.rise() for _ in range(4)]
        while_flooded = least()
    full = disk.free()
    length = (stack.folder / "data/queue.db").stat().st_size

    told = [(refusal.status, refusal.json["error"]["code"]) for refusal in refusals]
    assert told == [(503, "storage_full")] * 4
    assert all(int(refusal.headers["Retry-After"]) > 0 for refusal in refusals)
    assert while_flooded >= RESERVE
    assert full < RESERVE + 2 * MB  # it was the reserve that refused, and nothing else
    assert len(flood.waiting) > 10

    # What needs room to make room has it.
    stack.start_worker()
    deleted, *rest = flood.kept
    assert stack.delete(f"/api/v1/prompt/{deleted}").status == 204
    cancelled = flood.waiting.pop()
    assert stack.cancel(cancelled)["outcome"] in ("cancelled", "succeeded")
    assert [stack.answer(prompt_id) for prompt_id in flood.waiting] == ["short"] * len(flood.waiting)
    assert {stack.status(prompt_id)["attempt"] for prompt_id in flood.waiting} == {1}
    pruned = stack.operate("prune", "--older-than", "0s")
    assert pruned.returncode == 0, pruned.stderr
    assert stack.get(f"/api/v1/prompt/{rest[0]}/status").status == 404
    compacted = stack.operate("compact")
    assert compacted.returncode == 0, compacted.stderr

    until(lambda: (stack.folder / "data/queue.db").stat().st_size < 2 * MB, "the file has shrunk")
    assert length > 15 * MB
    assert disk.free() > DISK - 8 * MB
    assert stack.answer(stack.submit("And now?")) == "short"


@pytest.mark.ollama(text="short")
def test_what_may_be_stored_is_bounded_however_large_the_disk_is(build: Callable[..., Stack]) -> None:
    stack = build(MAX_STORED_BYTES=f"{4 * MB}")
    stack.start_proxy()
    flood = Flood(stack)

    refusal = flood.rise()
    told = stack.queue()
    for prompt_id in flood.kept:
        assert stack.delete(f"/api/v1/prompt/{prompt_id}").status == 204
    again = flood.rise()

    for refused in (refusal, again):
        assert (refused.status, refused.json["error"]["code"]) == (503, "storage_full")
        assert int(refused.headers["Retry-After"]) > 0
    few_pages = 64 * 1024  # what it takes to note how those ended that were accepted last
    assert 3 * MB < told["stored_bytes"] < 4 * MB + few_pages
    assert stack.queue()["stored_bytes"] < 4 * MB + few_pages
