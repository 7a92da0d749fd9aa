"""Trouble of the whole server costs nobody anything, and a prompt that is trouble itself costs the others little."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import pytest
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.client import Simulator
    from support.stack import Stack

SECONDS = 8.0  # that the trouble lasts
LINE = 300  # prompts
MEMORY = "model requires more system memory (3.2 GiB) than is available (1.1 GiB)"


class Kind(NamedTuple):
    """How it comes and goes; within how many seconds of its end a prompt is called for; what is told meanwhile."""

    comes: Callable[[Simulator], object]
    goes: Callable[[Simulator], object]
    within: float
    says: str


def gateway(status: int, path: str = "/api/", **more: float) -> dict[str, Callable[[Simulator], object]]:
    return {
        "comes": lambda simulator: simulator.set(gateway_status=status, gateway_path=path, **more),
        "goes": lambda simulator: simulator.set(gateway_status=0),
    }


def fault(kind: str, **more: object) -> dict[str, Callable[[Simulator], object]]:
    return {
        "comes": lambda simulator: simulator.fault(kind, times=None, **more),
        "goes": lambda simulator: simulator.clear_faults(),
    }


SOON = 6.0  # where the server is at fault
LAST_PAUSE = 9.0  # where nobody knows: 1, 2, 4 and 8 seconds pass between two tries
KINDS = {
    "502 to calls alone": Kind(**gateway(502, "/api/generate"), within=LAST_PAUSE, says="502: Bad Gateway"),
    "429 that names a time": Kind(**gateway(429, gateway_retry_after=2.0), within=SOON, says="429: Too Many Requests"),
    "too little memory to load": Kind(
        comes=lambda simulator: simulator.set(load_error=MEMORY),
        goes=lambda simulator: simulator.set(load_error=""),
        within=SOON,
        says=MEMORY,
    ),
    "an error line each time": Kind(**fault("error_line"), within=LAST_PAUSE, says="reported an error"),
    "the server is gone": Kind(
        comes=lambda simulator: simulator.kill(), goes=lambda simulator: simulator.start(), within=2, says="refused"
    ),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.ollama(slots=2, text="one two three four five six")
def test_trouble_of_the_whole_server_fails_none_of_three_hundred_prompts_and_leaves_it_alone(
    build: Callable[..., Stack], simulator: Simulator, name: str
) -> None:
    kind = KINDS[name]
    stack = build(WORKER_CONCURRENCY="2")
    stack.start()
    stack.answer(stack.submit("All is well."))
    before = calls(simulator)
    kind.comes(simulator)
    ends_at = time.monotonic() + SECONDS
    with ThreadPoolExecutor(8) as clients:
        prompts = list(clients.map(lambda number: stack.submit(f"Question {number}"), range(LINE)))

    said = set()
    until(lambda: not is_well(stack, said) and time.monotonic() >= ends_at, "the trouble has lasted", SECONDS * 3)
    tried = calls(simulator) - before if simulator.is_alive else 0
    kind.goes(simulator)
    if name == "the server is gone":
        before = tried = 0  # as far as the new one knows
    back_at = time.monotonic()
    until(lambda: stack.queue()["queued"] < LINE - 2, "work resumes", 60)
    resumed_after = time.monotonic() - back_at

    assert any(kind.says in each for each in said), said
    assert tried <= 2 * SECONDS
    assert resumed_after < 3 * kind.within
    with ThreadPoolExecutor(8) as clients:
        assert set(clients.map(lambda each: stack.result(each).status, prompts)) == {200}
    until(lambda: stack.get("/readyz").status == 200, "the product is ready again")


@pytest.mark.ollama(pace=0.005, text="one two three four five six seven eight")
def test_one_poisonous_prompt_among_a_hundred_ends_as_failed_and_costs_the_others_no_attempt_and_little_time(
    build: Callable[..., Stack], simulator: Simulator
) -> None:
    stack = build()
    stack.start()
    usual = seconds_for(stack, [stack.submit(f"Before {number}") for number in range(100)])
    simulator.fault("status", status=500, match="poison", times=None)

    first = [stack.submit(f"Question {number}") for number in range(10)]
    poison = stack.submit("poison")
    prompts = [*first, *(stack.submit(f"Question {number}") for number in range(10, 100))]
    taken = seconds_for(stack, prompts)

    assert {stack.status(each)["attempt"] for each in prompts} == {1}
    assert taken < 3 * usual + 10
    told = stack.result(poison)
    assert (told.status, told.json["outcome"], told.json["error"]["code"]) == (410, "failed", "attempts_exhausted")
    assert told.json["error"]["message"].startswith("Gave up after 3 failed attempts")
    until(lambda: stack.get("/readyz").status == 200, "the product is ready")


def calls(simulator: Simulator) -> int:
    """How often an answer was asked for, as far as the simulator, or the gateway before it, has seen."""
    state = simulator.state()
    return int(state["calls"]) + sum(
        state["others"].get(f"gateway POST /api/{path}", 0) for path in ("generate", "chat")
    )


def is_well(stack: Stack, said: set[str]) -> bool:
    """Whether the product says that it is ready; what it says of the model is `said`."""
    reply = stack.get("/readyz")
    said.add(str(reply.json["checks"]["model"]["detail"]))
    return reply.status == 200


def seconds_for(stack: Stack, prompts: list[str]) -> float:
    """How long these take, all of them answered."""
    since = time.monotonic()
    with ThreadPoolExecutor(8) as clients:
        assert set(clients.map(lambda each: stack.result(each).status, prompts)) == {200}
    return time.monotonic() - since
