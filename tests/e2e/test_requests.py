"""What a body can ask for, all the way to the model server and back."""

import pytest
from simulator.client import Simulator
from support.stack import Stack


@pytest.mark.both_engines
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
