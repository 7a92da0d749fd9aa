"""A disk that is full or read-only: 503, nothing that was accepted is lost, and service resumes by itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from e2e.read_only import turned_read_only
from support.small_disk import SmallDisk, mounted
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.client import Reply
    from support.stack import Stack

LONG = "Tell me about discs. " * 500  # 10 KB; the model would refuse more than fits into its context


@pytest.fixture
def on_small_disk(build: Callable[..., Stack]) -> Iterator[tuple[Stack, SmallDisk]]:
    """A product that is not started yet, its queue on a disk of 4 MB."""
    stack = build(MIN_FREE_BYTES="0")
    with mounted(stack.folder / "data", size="4m") as disk:
        yield stack, disk
        stack.stop()


def refused(reply: Reply) -> bool:
    """Whether it was refused as the contract says; nothing but that and 202 may come."""
    if reply.status == 202:
        return False
    assert reply.status == 503, reply.text
    assert reply.json["error"]["code"] in ("storage_unavailable", "storage_full")
    assert int(reply.headers["Retry-After"]) > 0
    return True


@pytest.mark.ollama(text="short")
def test_a_full_disk_refuses_with_503_loses_nothing_and_passes(on_small_disk: tuple[Stack, SmallDisk]) -> None:
    stack, disk = on_small_disk
    stack.start_proxy()
    accepted: list[str] = []

    def submit() -> Reply:
        reply = stack.post("/api/v1/prompt", {"prompt": LONG})
        if not refused(reply):
            accepted.append(reply.json["id"])
        return reply

    until(lambda: submit().status == 503, "the disk is full", 60)
    disk.fill()
    before = list(accepted)
    while_full = [submit().status for _ in range(5)]
    statuses = [stack.status(prompt_id)["status"] for prompt_id in before]
    queued = stack.queue()["queued"]
    stack.start_worker()  # goes as far as the room in the journal does

    disk.make_room()
    disk.remount("size=64m")

    until(lambda: submit().status == 202, "prompts are accepted again")
    assert len(before) > 10
    assert while_full == [503] * 5
    assert statuses == ["queued"] * len(before)
    assert queued == len(before)
    assert [stack.answer(prompt_id) for prompt_id in accepted] == ["short"] * len(accepted)
    assert {stack.status(prompt_id)["attempt"] for prompt_id in accepted} == {1}


@pytest.mark.ollama(pace=0.05, text="word " * 60)
def test_a_disk_that_fills_in_mid_answer_costs_the_prompt_no_attempt(on_small_disk: tuple[Stack, SmallDisk]) -> None:
    stack, disk = on_small_disk
    stack.start()
    running, waiting = stack.submit("Why?"), stack.submit("And then?")
    until(lambda: stack.status(running)["tokens"], "it is being answered")

    disk.fill()
    until(lambda: refused(stack.post("/api/v1/prompt", {"prompt": LONG})), "the disk is full")
    until(lambda: "storage unavailable" in stack.log("worker"), "the worker has met the full disk")
    disk.make_room()

    ended = [stack.until_status(prompt_id, "completed") for prompt_id in (running, waiting)]
    assert [(each["outcome"], each["attempt"]) for each in ended] == [("succeeded", 1)] * 2
    assert stack.answer(running) == "word " * 60


@pytest.mark.ollama(pace=0.05, text="word " * 60)
def test_a_disk_that_is_full_for_longer_than_the_lease_hides_nothing_and_costs_one_attempt_at_most(
    build: Callable[..., Stack],
) -> None:
    stack = build(LEASE_SECONDS="1", MIN_FREE_BYTES="0")
    with mounted(stack.folder / "data", size="4m") as disk:
        stack.start()
        running, waiting = stack.submit("Why?"), stack.submit("And then?")
        until(lambda: stack.status(running)["tokens"], "it is being answered")

        disk.fill()
        until(lambda: refused(stack.post("/api/v1/prompt", {"prompt": LONG})), "the disk is full")
        overdue = time.monotonic() + 3  # by then the lease is over, and whoever reads would like to write so
        statuses = []
        while time.monotonic() < overdue:
            statuses.append([stack.status(prompt_id)["status"] for prompt_id in (running, waiting)])
        disk.make_room()

        ended = [stack.until_status(prompt_id, "completed") for prompt_id in (running, waiting)]
        assert [each["outcome"] for each in ended] == ["succeeded"] * 2
        assert max(each["attempt"] for each in ended) <= 2
        assert stack.answer(running) == "word " * 60
        assert statuses == [["processing", "queued"]] * len(statuses)
        stack.stop()


@pytest.mark.ollama(pace=0.05, text="word " * 60)
def test_a_disk_that_turns_read_only_under_open_files_refuses_with_503_loses_nothing_and_passes(
    build: Callable[..., Stack],
) -> None:
    stack = build(MIN_FREE_BYTES="0")
    stack.start()
    answered = stack.submit("Are you there?", options={"num_predict": 2})
    stack.until_status(answered, "completed")
    running, waiting = stack.submit("Why?"), stack.submit("And then?")
    until(lambda: stack.status(running)["tokens"], "it is being answered")

    with turned_read_only(stack.folder / "data", stack.processes()):
        until(lambda: refused(stack.post("/api/v1/prompt", {"prompt": "Hi"})), "the disk is read-only")
        assert all(refused(stack.post("/api/v1/prompt", {"prompt": "Hi"})) for _ in range(5))
        assert refused(stack.post(f"/api/v1/prompt/{waiting}/cancel"))
        until(lambda: "not kept" in stack.log("worker"), "the worker has met it")
        assert [stack.status(prompt_id)["status"] for prompt_id in (running, waiting)] == ["processing", "queued"]
        assert stack.answer(answered).startswith("word")
        assert stack.queue()["queued"] == 1

    until(lambda: not refused(stack.post("/api/v1/prompt", {"prompt": "Hi"})), "prompts are accepted again")
    ended = [stack.until_status(prompt_id, "completed") for prompt_id in (running, waiting)]
    assert [(each["outcome"], each["attempt"]) for each in ended] == [("succeeded", 1)] * 2
    assert stack.answer(running) == "word " * 60


@pytest.mark.ollama(text="short")
def test_a_read_only_disk_refuses_with_503_and_passes(on_small_disk: tuple[Stack, SmallDisk]) -> None:
    stack, disk = on_small_disk
    proxy = stack.start_proxy()
    accepted = stack.submit("Are you there?")
    proxy.terminate()
    proxy.wait(10)
    disk.remount("ro")

    stack.start_worker()
    stack.begin_proxy()
    reply = until(
        lambda: asked if (asked := stack.post("/api/v1/prompt", {"prompt": "Hi"})).status else None, "it says"
    )
    health = stack.get("/healthz")
    until(lambda: "mount it writable" in stack.log("worker"), "the worker says what to do")
    until(lambda: "its disk is mounted read-only, so mount it writable" in stack.log("proxy"), "so does the proxy")
    disk.remount("rw")

    assert refused(reply)
    assert health.status == 503
    assert "stands in the log" in health.text  # while nobody can say who needs a key, nobody is told more
    until(lambda: not refused(stack.post("/api/v1/prompt", {"prompt": "Hi"})), "prompts are accepted again")
    until(lambda: stack.get("/healthz").status == 200, "it can be read again")
    assert stack.answer(accepted) == "short"
