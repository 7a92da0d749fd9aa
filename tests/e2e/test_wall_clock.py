"""A wall clock that jumps changes nothing: leases, deadlines and waits run on another one."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from promptqueue import connect
from simulator.client import Simulator
from support.stack import Stack
from support.waiting import until
from support.wall_clock import WallClock

WORDS = " ".join(f"word{number}" for number in range(50))


@pytest.mark.both_engines
@pytest.mark.ollama(pace=0.06, text=WORDS)
def test_a_wall_clock_that_jumps_an_hour_forth_and_back_changes_nothing(
    build: Callable[..., Stack], simulator: Simulator, wall_clock: WallClock
) -> None:
    stack = build(**wall_clock.variables, LEASE_SECONDS="5", IDLE_TIMEOUT="10", FIRST_BYTE_TIMEOUT="30")
    stack.start()
    first = stack.submit("in mid-answer when it jumps", timeout=60)
    second = stack.submit("waiting when it jumps")
    with ThreadPoolExecutor() as clients:
        held = clients.submit(stack.result, first)

        for tokens, offset, hours in ((5, "+1h", 1), (25, "-1h", -1)):
            simulator.wait_for_tokens(1, tokens)
            wall_clock.set(offset)
            until(lambda shown=hours: _off(stack) == timedelta(hours=shown), "the proxy's clock has jumped", 3)

    assert held.result().status == 200
    assert held.result().json["response"] == WORDS
    assert stack.answer(second) == WORDS
    assert [stack.status(each)["attempt"] for each in (first, second)] == [1, 1]
    assert [call["end"] for call in simulator.calls()] == ["finished", "finished"]
    assert "worker lost" not in stack.log("worker")
    assert len(stack.log("proxy").split("Booting worker")) == 2  # Gunicorn did not take its own for dead


def test_the_worker_s_clock_jumps_too(build: Callable[..., Stack], wall_clock: WallClock) -> None:
    wall_clock.set("+1h")
    stack = build(**wall_clock.variables)
    stack.start()
    prompt_id = stack.submit("What time is it?")
    assert stack.result(prompt_id).status == 200

    ended = datetime.fromisoformat(stack.status(prompt_id)["completed_at"])

    assert timedelta(minutes=59) < ended - datetime.now(UTC) < timedelta(minutes=61)


def test_the_last_minutes_tell_of_each_answer_once_however_the_wall_clock_jumps(
    build: Callable[..., Stack], wall_clock: WallClock
) -> None:
    stack = build(**wall_clock.variables)
    stack.start()
    for number, hours in enumerate((0, 1, -1, 0), 1):
        wall_clock.set(f"{hours:+}h")
        until(lambda shown=hours: _off(stack) == timedelta(hours=shown), "the proxy's clock has jumped", 3)
        stack.answer(stack.submit("How late is it?"))

        told = stack.get("/api/v1/queue?history=60").json["history"]

        assert sum(minute["completed"] for minute in told) == number, hours
        off = datetime.fromisoformat(told[-1]["minute"]) - datetime.now(UTC)
        assert timedelta(minutes=-2) < off - timedelta(hours=hours) < timedelta(minutes=2)


@pytest.mark.ollama(text="kept")
def test_a_wall_clock_a_month_ahead_for_a_while_and_back_erases_nothing(
    build: Callable[..., Stack], wall_clock: WallClock
) -> None:
    stack = build(**wall_clock.variables, RETENTION_DAYS="30")
    stack.start_proxy()
    stack.start_lone_worker()
    answered = stack.submit("Will this be kept?")
    assert stack.answer(answered) == "kept"
    key = {"Idempotency_Key": "a-key-of-sixteen-characters"}
    cancelled = stack.post("/api/v1/prompt", {"prompt": "And this?"}, **key).json["id"]
    stack.post(f"/api/v1/prompt/{cancelled}/cancel")

    with closing(connect(f"sqlite:///{stack.folder}/data/queue.db").open()) as queue:
        for offset in ("+31d", "+0", "-31d", "+0"):
            with queue.transaction():  # as if it had looked for days: it is not for want of them that nothing is erased
                queue._database.run("UPDATE control SET clock_since = clock_since - 3 * 24 * 3600")
            wall_clock.set(offset)
            _look_again(stack)
            assert queue.counts().completed == 2, offset
            assert queue.request(cancelled) == {"prompt": "And this?"}, offset

    assert stack.answer(answered) == "kept"
    assert stack.post("/api/v1/prompt", {"prompt": "And this?"}, **key).json["id"] == cancelled


@pytest.mark.ollama(text="old")
def test_what_is_old_by_a_clock_that_has_been_right_for_a_day_is_erased(build: Callable[..., Stack]) -> None:
    stack = build(RETENTION_DAYS="30")
    stack.start_proxy()
    stack.start_lone_worker()
    answered = stack.submit("Will this be erased?")
    assert stack.answer(answered) == "old"

    with closing(connect(f"sqlite:///{stack.folder}/data/queue.db").open()) as queue:
        until(lambda: queue.agreement() > 0, "somebody has looked at the clock before")
        with queue.transaction():
            queue._database.run("UPDATE control SET clock_since = clock_since - 3 * 24 * 3600")
            queue._database.run("UPDATE prompts SET completed_at = completed_at - 31 * 24 * 3600")
        _look_again(stack)

    until(lambda: stack.get(f"/api/v1/prompt/{answered}/status").status == 404, "it is erased")


def _look_again(stack: Stack) -> None:
    """Let a janitor take the one turn that it takes when it starts: the next would come a minute later."""
    started = stack.log("janitor").count("janitor started") if (stack.folder / "janitor.log").exists() else 0
    janitor = stack.start_lone_janitor()
    until(lambda: stack.log("janitor").count("janitor started") > started, "it has started")
    janitor.terminate()
    assert janitor.wait(20) == 0, stack.log("janitor")


def _off(stack: Stack) -> timedelta:
    """How far the proxy's clock is from the true one, in whole minutes."""
    off = parsedate_to_datetime(stack.get("/healthz").headers["Date"]) - datetime.now(UTC)
    return timedelta(minutes=round(off / timedelta(minutes=1)))
