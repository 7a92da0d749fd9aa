"""A cancelled or deleted prompt frees the model within a second."""

import time

import pytest
from simulator.client import Simulator
from support.stack import Stack

WORDS = " ".join(f"word{number}" for number in range(200))


def test_a_prompt_is_cancelled_before_its_first_token(stack: Stack, simulator: Simulator) -> None:
    simulator.fault("hang_before_first_token")
    prompt_id = stack.submit("Say nothing.")
    simulator.wait_for("started", 1)

    cancelled_at = time.monotonic()
    cancelled = stack.cancel(prompt_id)

    assert (cancelled["status"], cancelled["outcome"]) == ("completed", "cancelled")
    call = simulator.wait_for_end(1)
    assert call["end"] == "client_closed"
    assert call["ended"] - cancelled_at < 1
    result = stack.result(prompt_id)
    assert result.status == 410
    assert result.json["error"]["code"] == "cancelled"
    assert result.json["partial"] == ""


@pytest.mark.ollama(pace=0.05, text=WORDS)
def test_a_prompt_is_cancelled_in_mid_answer_and_keeps_what_had_come(stack: Stack, simulator: Simulator) -> None:
    prompt_id = stack.submit("Talk.")
    simulator.wait_for_tokens(1, 12)

    cancelled_at = time.monotonic()
    cancelled = stack.cancel(prompt_id)

    assert (cancelled["status"], cancelled["outcome"]) == ("completed", "cancelled")
    call = simulator.wait_for_end(1)
    assert call["end"] == "client_closed"
    assert call["ended"] - cancelled_at < 1
    result = stack.result(prompt_id)
    assert result.status == 410
    assert result.json["partial"]
    assert WORDS.startswith(result.json["partial"])


def test_the_next_prompt_runs_as_soon_as_one_is_cancelled(stack: Stack, simulator: Simulator) -> None:
    simulator.fault("hang_before_first_token")
    first = stack.submit("Say nothing.")
    second = stack.submit("Why is the sky blue?")
    simulator.wait_for("started", 1)

    cancelled_at = time.monotonic()
    stack.cancel(first)

    assert simulator.wait_for_call(2)["received"] - cancelled_at < 1
    assert stack.result(second).status == 200


def test_a_waiting_prompt_that_is_cancelled_never_reaches_the_model(stack: Stack, simulator: Simulator) -> None:
    simulator.fault("hang_before_first_token")
    first, second, third = (stack.submit(text) for text in ("first", "second", "third"))
    simulator.wait_for("started", 1)

    assert stack.status(third)["position"] == 2
    assert stack.cancel(second)["outcome"] == "cancelled"
    assert stack.status(third)["position"] == 1
    stack.cancel(first)

    assert stack.result(third).status == 200
    assert [call["body"]["prompt"] for call in simulator.calls()] == ["first", "third"]


@pytest.mark.ollama(pace=0.05, text=WORDS)
def test_a_prompt_that_is_deleted_in_mid_answer_is_unknown_everywhere(stack: Stack, simulator: Simulator) -> None:
    prompt_id = stack.submit("Talk.")
    simulator.wait_for_tokens(1, 5)

    deleted_at = time.monotonic()
    assert stack.delete(f"/api/v1/prompt/{prompt_id}").status == 204

    call = simulator.wait_for_end(1)
    assert call["end"] == "client_closed"
    assert call["ended"] - deleted_at < 1
    assert stack.get(f"/api/v1/prompt/{prompt_id}/status").status == 404
    assert stack.get(f"/api/v1/prompt/{prompt_id}/result").status == 404
    assert stack.post(f"/api/v1/prompt/{prompt_id}/cancel").status == 404
    assert stack.delete(f"/api/v1/prompt/{prompt_id}").status == 404
