"""The operator's command line beside the running product, on plain processes and in containers."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from support.machine import BUILT_WITHIN
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.client import Simulator
    from support.composed import Composed
    from support.stack import Stack

PROGRAM = ("python", "-m", "promptqueue")


@pytest.mark.both_engines
@pytest.mark.ollama(text="short")
def test_a_paused_product_accepts_and_says_so_and_goes_on_when_resumed(stack: Stack, simulator: Simulator) -> None:
    stack.operate("pause")
    try:
        waiting = stack.submit("Are you there?")
        told = stack.queue()
        ready = stack.get("/readyz").json["checks"]["worker"]["detail"]
        asked = len(simulator.calls())
    finally:
        stack.operate("resume")

    assert (told["paused"], told["queued"], asked) == (True, 1, 0)
    assert "paused: prompts are accepted and wait" in ready
    assert stack.answer(waiting) == "short"
    assert stack.queue()["paused"] is False


@pytest.mark.ollama(text="short")
def test_a_copy_made_in_use_is_brought_back_once_everything_has_ended(
    build: Callable[..., Stack], simulator: Simulator
) -> None:
    stack = build()
    worker, proxy = stack.start_worker(), stack.start_proxy()
    answered = stack.submit("Before the copy.")
    stack.answer(answered)
    copy = str(stack.folder / "queue.backup")

    made = stack.operate("backup", copy)
    later = stack.submit("After the copy.")
    stack.answer(later)
    while_in_use = stack.operate("restore", copy)
    proxy.terminate()
    without_proxy = stack.operate("restore", copy)
    worker.terminate()
    until(lambda: not stack.processes(), "everything has ended")
    restored = stack.operate("restore", copy)
    stack.start()

    assert made.returncode == 0, made.stderr
    assert [one.returncode for one in (while_in_use, without_proxy, restored)] == [1, 1, 0], restored.stderr
    assert "end every proxy and worker first" in while_in_use.stderr
    assert stack.answer(answered) == "short"
    assert stack.get(f"/api/v1/prompt/{later}/status").status == 404


@pytest.mark.ollama(text="short")
def test_idle_connections_of_the_proxy_alone_keep_a_queue_from_being_replaced(build: Callable[..., Stack]) -> None:
    stack = build(JOURNAL_MODE="persist")  # in which SQLite itself would notice nobody
    proxy = stack.start_proxy()
    stack.submit("Are you there?")
    stack.operate("backup", str(stack.folder / "queue.backup"))

    refused = stack.operate("restore", str(stack.folder / "queue.backup"))
    proxy.kill()
    until(lambda: not stack.processes(), "it is gone", 60)
    restored = stack.operate("restore", str(stack.folder / "queue.backup"))

    assert (refused.returncode, restored.returncode) == (1, 0), restored.stderr


@pytest.mark.ollama(text="short")
def test_room_is_given_back_while_prompts_are_accepted_and_answered(build: Callable[..., Stack]) -> None:
    stack = build()
    stack.start()
    for long in [stack.submit("x" * 1_000_000, expires_in=0.001) for _ in range(12)]:
        stack.delete(f"/api/v1/prompt/{long}")
    database = stack.folder / "data/queue.db"
    before, is_compacted, statuses = database.stat().st_size, threading.Event(), list[int]()

    def submit() -> None:
        while not is_compacted.is_set():
            statuses.append(stack.post("/api/v1/prompt", {"prompt": "Meanwhile"}).status)

    with ThreadPoolExecutor() as clients:
        submitting = clients.submit(submit)
        done = stack.operate("compact", "--json")
        is_compacted.set()
        submitting.result()

    assert done.returncode == 0, done.stderr
    assert before > 12_000_000
    assert database.stat().st_size < 6_000_000
    assert set(statuses) == {202}
    assert stack.answer(stack.submit("And now?")) == "short"


@pytest.mark.timeout(BUILT_WITHIN)
def test_in_containers_it_is_reached_through_the_worker(in_containers: Composed) -> None:
    def execute(*arguments: str) -> Any:
        return json.loads(in_containers.compose("exec", "-T", "worker", *PROGRAM, *arguments, "--json"))

    answered = in_containers.ask("Before the copy.", tokens=5)
    in_containers.answer(answered)

    told = execute("status")
    shown = execute("show", answered)
    execute("pause")
    paused = in_containers.queue()["paused"]
    execute("resume")
    execute("backup", "/data/queue.backup")
    in_containers.compose("stop", "proxy", "worker")
    restored = json.loads(
        in_containers.compose("run", "--rm", "-T", "worker", *PROGRAM, "restore", "/data/queue.backup", "--json")
    )
    in_containers.start()

    assert told["database"]["path"] == "/data/queue.db"
    assert (told["workers"], shown["outcome"], paused) == (1, "succeeded", True)
    assert restored["replaced"].startswith("/data/queue.db.replaced-")
    assert in_containers.status(answered)["outcome"] == "succeeded"
