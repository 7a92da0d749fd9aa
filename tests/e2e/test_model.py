"""A model or a model server that is not there: prompts wait, and lose nothing by it."""

import time
from collections.abc import Callable

import pytest
from simulator.client import Simulator
from simulator.text import answer_to
from support.stack import Stack
from support.waiting import until

WORDS = " ".join(f"word{number}" for number in range(30))


@pytest.mark.ollama(models=[], pull_time=2.5)
def test_prompts_wait_for_a_model_that_is_still_downloading(build: Callable[..., Stack], simulator: Simulator) -> None:
    stack = build()
    stack.start()
    prompt_id = stack.submit("Why is the sky blue?")
    until(lambda: stack.queue()["model"]["state"] == "downloading", "the model is being downloaded")
    percents: list[int] = []

    def is_ready() -> bool:
        model = stack.queue()["model"]
        if model["state"] == "downloading":
            percents.append(model["percent"])
            assert simulator.calls() == []
        return bool(model["state"] == "ready")

    assert stack.status(prompt_id)["status"] == "queued"
    assert stack.get("/readyz").status == 503
    until(is_ready, "the model is ready")
    assert stack.answer(prompt_id) == answer_to("Why is the sky blue?")
    assert stack.status(prompt_id)["attempt"] == 1
    assert percents == sorted(percents)
    assert len(set(percents)) >= 5
    assert 0 <= percents[0] < percents[-1] <= 100
    assert stack.get("/readyz").status == 200


@pytest.mark.ollama(pace=0.05, text=WORDS)
def test_a_prompt_outlives_an_ollama_that_is_killed_in_mid_answer(
    build: Callable[..., Stack], simulator: Simulator
) -> None:
    stack = build(MAX_FAILURES="1")  # a failure would end the prompt
    stack.start()
    first, second = stack.submit("first"), stack.submit("second")
    simulator.wait_for_tokens(1, 5)

    simulator.kill()
    until(lambda: stack.queue()["model"]["state"] == "unreachable", "it is known that Ollama is gone")
    until(lambda: stack.status(first)["status"] == "queued", "the prompt in hand is given back")
    assert stack.status(second)["position"] == 2
    simulator.start()
    back_at = time.monotonic()

    assert simulator.wait_for_call(1)["received"] - back_at < 2
    assert [stack.answer(each) for each in (first, second)] == [WORDS, WORDS]
    assert [call["body"]["prompt"] for call in simulator.calls()] == ["first", "second"]


def test_prompts_wait_for_an_ollama_that_is_not_there_yet(build: Callable[..., Stack], simulator: Simulator) -> None:
    simulator.kill()
    stack = build(MAX_FAILURES="1")
    stack.start()
    first, second = stack.submit("first"), stack.submit("second")
    until(lambda: "state=unreachable" in stack.log("worker"), "the worker has looked for Ollama")
    assert stack.status(second)["position"] == 2
    assert stack.get("/readyz").status == 503

    simulator.start()
    back_at = time.monotonic()

    assert simulator.wait_for_call(1)["received"] - back_at < 2
    assert [stack.result(each).status for each in (first, second)] == [200, 200]
    assert [stack.status(each)["attempt"] for each in (first, second)] == [1, 1]
