"""A wall clock that jumps changes nothing: leases, deadlines and waits run on another one."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest
from processes import until
from simulator.client import Simulator
from stack import Stack
from wall_clock import WallClock

WORDS = " ".join(f"word{number}" for number in range(50))


@pytest.mark.ollama(pace=0.06, text=WORDS)
def test_a_wall_clock_that_jumps_an_hour_forth_and_back_changes_nothing(
    build: Callable[..., Stack], simulator: Simulator, wall_clock: WallClock
) -> None:
    stack = build(**wall_clock.variables, LEASE_SECONDS="5", IDLE_TIMEOUT="10", FIRST_BYTE_TIMEOUT="10")
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


def _off(stack: Stack) -> timedelta:
    """How far the proxy's clock is from the true one, in whole minutes."""
    off = parsedate_to_datetime(stack.get("/healthz").headers["Date"]) - datetime.now(UTC)
    return timedelta(minutes=round(off / timedelta(minutes=1)))
