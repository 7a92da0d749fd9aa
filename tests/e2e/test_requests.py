"""What a body can ask for, all the way to the model server and back."""

import pytest
from simulator.client import Simulator
from support.stack import Stack


def test_a_prompt_that_waited_too_long_expires_unasked(stack: Stack, simulator: Simulator) -> None:
    simulator.fault("hang_before_first_token")
    busy = stack.submit("Keep it busy.")
    simulator.wait_for("started", 1)

    impatient = stack.submit("Quickly!", expires_in=1)

    ended = stack.result(impatient)
    assert (ended.status, ended.json["outcome"], ended.json["error"]["code"]) == (410, "expired", "expired")
    assert stack.status(busy)["status"] == "processing"
    stack.cancel(busy)
    assert stack.answer(stack.submit("Is it free?"))
    assert [call["body"]["prompt"] for call in simulator.calls()] == ["Keep it busy.", "Is it free?"]


def test_a_prompt_that_runs_longer_than_it_may_ends_and_is_not_tried_again(stack: Stack, simulator: Simulator) -> None:
    simulator.fault("hang_between_tokens", after=3)

    ended = stack.result(stack.submit("Take your time.", timeout=1))

    assert (ended.status, ended.json["outcome"], ended.json["error"]["code"]) == (410, "failed", "timed_out")
    assert ended.json["partial"]
    assert simulator.wait_for_end(1)["end"] == "client_closed"
    assert stack.answer(stack.submit("Is it free?"))
    assert len(simulator.calls()) == 2


def test_a_chat_is_answered_with_a_message(stack: Stack, simulator: Simulator) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Why is the sky blue?"},
        {"role": "assistant", "content": "It scatters."},
        {"role": "user", "content": "Why?"},
    ]

    result = stack.result(stack.submit(messages=messages))

    assert result.status == 200
    assert result.json["message"]["role"] == "assistant"
    assert "Simulated answer" in result.json["message"]["content"]
    assert simulator.call(1)["path"] == "/api/chat"
    assert simulator.call(1)["body"]["messages"] == messages


def test_what_a_body_asks_for_reaches_the_model_server_as_it_was_given(stack: Stack, simulator: Simulator) -> None:
    schema = {"type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"]}

    prompt_id = stack.submit(
        "  Which colour?\n",
        system="Be brief.",
        format=schema,
        options={"temperature": 0.5, "num_predict": 50},
        metadata={"mine": 1},
    )

    assert "colour" in stack.answer(prompt_id)
    assert stack.status(prompt_id)["metadata"] == {"mine": 1}
    body = simulator.call(1)["body"]
    assert (body["prompt"], body["system"], body["format"]) == ("  Which colour?\n", "Be brief.", schema)
    assert body["options"] == {"temperature": 0.5, "num_predict": 50}


@pytest.mark.ollama(text="short")
def test_the_same_prompt_asked_twice_is_two_fresh_calls(stack: Stack, simulator: Simulator) -> None:
    first, second = stack.submit("Again."), stack.submit("Again.")

    assert first != second
    assert [stack.result(each).status for each in (first, second)] == [200, 200]
    calls = simulator.calls()
    assert len(calls) == 2
    assert all("context" not in call["body"] and "seed" not in call["body"].get("options", {}) for call in calls)


def test_an_interactive_prompt_overtakes_those_of_a_batch(stack: Stack, simulator: Simulator) -> None:
    simulator.fault("hang_before_first_token")
    busy = stack.submit("busy")
    simulator.wait_for("started", 1)
    slow, quick = stack.submit("slow", priority="batch"), stack.submit("quick")

    stack.cancel(busy)

    assert [stack.result(each).status for each in (slow, quick)] == [200, 200]
    assert [call["body"]["prompt"] for call in simulator.calls()] == ["busy", "quick", "slow"]
