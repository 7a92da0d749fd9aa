"""The decision table again, from what Ollama does to what becomes of a prompt; failures in test_repertoire.py."""

from __future__ import annotations

import pytest
from promptqueue.prompt import ErrorCode, Outcome
from simulator.repertoire import PASSING, REFUSING
from support.waiting import until

EXCEEDED = (
    '{"error":{"code":400,"message":"request (9034 tokens) exceeds the available context size (4096 tokens), try '
    'increasing it","type":"exceed_context_size_error","n_prompt_tokens":9034,"n_ctx":4096}}'
)

TOO_LONG = "400: a prompt that is too long"


def test_an_answer_that_was_broken_off_for_its_repeats_says_so(worker, ollama, queue, ask):
    ollama.set(text="again " * 40)
    ollama.fault("cut", after=31, times=None)
    worker()
    prompt = ask("Hi")

    until(lambda: queue.get(prompt.id).last_error)

    told = "the model's answer ended before it was done: most likely it repeated itself"
    assert queue.get(prompt.id).last_error == told


def test_where_a_prompt_stands_tells_why_it_was_put_back(worker, ollama, queue, ask):
    ollama.fault("error_line", times=None)
    worker()
    prompt = ask("Hi")

    until(lambda: queue.get(prompt.id).last_error)

    assert queue.get(prompt.id).last_error == "an error was encountered while running the model: unexpected EOF"


@pytest.mark.parametrize("name", [name for name in REFUSING if name != TOO_LONG])
def test_a_refused_prompt_ends_with_ollamas_words(worker, ollama, ask, completed, name):
    ollama.fault(**REFUSING[name])
    worker()

    ended = completed(ask("Hi", format="json"))

    assert (ended.outcome, ended.attempt, ended.error.code) == (Outcome.FAILED, 1, ErrorCode.MODEL_REFUSED)
    assert ended.error.message == REFUSING[name]["text"]


def test_words_about_a_format_do_not_end_a_prompt_that_has_none(worker, ollama, queue, ask, completed):
    ollama.fault(**REFUSING["500: a bad schema, as told by Ollama 0.24"])
    worker(MAX_FAILURES=1)
    prompt = ask("Hi")

    until(lambda: queue.get(prompt.id).last_error)
    ollama.clear_faults()

    assert completed(prompt).outcome is Outcome.SUCCEEDED


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


def test_a_prompt_longer_than_the_context_is_told_both_counts(worker, ollama, ask, completed):
    ollama.set(context_length=64)
    worker()

    ended = completed(ask("word " * 1000))

    assert (ended.attempt, ended.error.code) == (1, ErrorCode.PROMPT_TOO_LONG)
    assert ended.error.message.endswith("the model's context holds 64.")


def test_a_prompt_too_long_for_an_older_ollama_is_told_so(worker, ollama, ask, completed):
    ollama.fault(**REFUSING[TOO_LONG])
    worker()

    ended = completed(ask("Hi"))

    assert (ended.attempt, ended.error.code) == (1, ErrorCode.PROMPT_TOO_LONG)


@pytest.mark.parametrize("name", ["503: too many requests", "403 without a body", "connections refused"])
def test_a_server_that_is_down_costs_nothing_and_is_asked_again(ollama, ask, completed, name, ready):
    ready()
    ollama.fault(**PASSING[name])

    ended = completed(ask("Hi"))

    assert (ended.outcome, ended.failures) == (Outcome.SUCCEEDED, 0)
