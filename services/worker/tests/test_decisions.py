"""The decision table again, from what Ollama does to what becomes of a prompt; failures in test_repertoire.py."""

from __future__ import annotations

import pytest
from promptqueue.prompt import ErrorCode, Outcome
from simulator.repertoire import REFUSING
from support.waiting import until

TOO_LONG = "400: a prompt that is too long"


def test_an_answer_that_was_broken_off_for_its_repeats_says_so(worker, ollama, queue, ask):
    ollama.set(text="again " * 40)
    ollama.fault("cut", after=31, times=None)
    worker()
    prompt = ask("Hi")

    until(lambda: queue.get(prompt.id).last_error)

    told = "the model's answer ended before it was done: most likely it repeated itself"
    assert queue.get(prompt.id).last_error == told


@pytest.mark.parametrize("name", [name for name in REFUSING if name != TOO_LONG])
def test_a_refused_prompt_ends_with_ollamas_words(worker, ollama, ask, completed, name):
    ollama.fault(**{**REFUSING[name], "times": None})
    worker()

    ended = completed(ask("Hi", format="json"))

    assert (ended.outcome, ended.attempt, ended.error.code) == (Outcome.FAILED, 1, ErrorCode.MODEL_REFUSED)
    assert ended.error.message == REFUSING[name]["text"]
    assert len(ollama.calls()) == 1


def test_a_bad_template_of_a_prompts_own_ends_that_prompt_and_holds_nobody_up(ollama, ask, completed, ready):
    ready()

    refused, answered = completed(ask("Hi", template='{{ "out of memory" | x }}')), completed(ask("Hi"))

    assert (refused.attempt, refused.error.code) == (1, ErrorCode.MODEL_REFUSED)
    assert refused.error.message.startswith("template: ")
    assert (answered.outcome, answered.attempt, len(ollama.calls())) == (Outcome.SUCCEEDED, 1, 2)


@pytest.mark.parametrize("status", [413, 415, 422])
def test_a_body_that_a_gateway_dislikes_is_refused_only_where_another_was_answered(
    worker, ollama, queue, ask, completed, status
):
    ollama.fault("status", status=status, text="", match="first", times=2)
    ollama.fault("status", status=status, text="", match="large", times=None)
    worker(MAX_FAILURES=1)

    first = completed(ask("first"))
    large = completed(ask("large"))

    assert (first.outcome, first.attempt, first.failures) == (Outcome.SUCCEEDED, 3, 0)
    assert (large.attempt, large.error.code, large.error.code.retryable) == (1, ErrorCode.MODEL_REFUSED, False)


def test_a_prompt_longer_than_the_context_fails_with_both_counts(worker, ollama, ask, completed):
    ollama.set(context_length=64)
    worker()

    ended = completed(ask("word " * 1000))

    assert (ended.attempt, ended.error.code) == (1, ErrorCode.PROMPT_TOO_LONG)
    assert ended.error.message.endswith("the model's context holds 64.")
