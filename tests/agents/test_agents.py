"""Coding agents, unmodified, work through the product as through their makers' own servers."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agents.agent import Agent
    from simulator.client import Simulator
    from support.command import Command
    from support.stack import Stack

TASK = "Correct the colour in note.txt."
DONE = "The sky is blue again."
LONG = 60.0  # seconds


def told(agent: Agent, note: Path) -> list[dict[str, Any]]:
    """What the model says on the way: look, change, report; to the same turn the same, however often it comes."""
    return [
        {"turn": 0, "times": None, "text": "I look.", "tool_calls": [agent.look(note)]},
        {"turn": 1, "times": None, "tool_calls": [agent.change(note, "green", "blue")]},
        {"turn": 2, "times": None, "text": DONE},
    ]


def asked(stack: Stack) -> list[str]:
    """The questions that came, each as its method, path and status."""
    lines = [line.split('"') for line in stack.log("proxy").splitlines() if ' HTTP/1.1" ' in line]
    found = [f"{line[1].removesuffix(' HTTP/1.1')} {line[2].split()[0]}" for line in lines]
    return [each for each in found if each.startswith(("POST /v1/", "HEAD "))]


def test_an_agent_finishes_its_task(
    agent: Agent, begin: Callable[..., Command], stack: Stack, simulator: Simulator, note: Path
) -> None:
    simulator.say(*told(agent, note))

    work = begin(TASK)

    assert work.wait(LONG) == 0, work.said
    assert note.read_text() == "The sky is blue.\n"
    assert DONE in work.said
    first, second, third = simulator.calls()
    assert TASK in str(first["body"]["messages"])
    assert "The sky is green." in second["body"]["messages"][-1]["content"]
    assert third["body"]["messages"][-1]["role"] == "tool"
    assert all(each.endswith(" 200") for each in asked(stack))


def test_an_agent_whose_worker_dies_before_it_has_spoken_waits_for_the_next_one_and_asks_once(
    agent: Agent, begin: Callable[..., Command], stack: Stack, simulator: Simulator, note: Path
) -> None:
    simulator.say(*told(agent, note))
    simulator.fault("hang_before_first_token")
    work = begin(TASK)
    simulator.wait_for("started", 1, timeout=LONG)

    stack.worker_process().signal(signal.SIGKILL)  # its supervisor starts another

    assert work.wait(LONG) == 0, work.said
    assert note.read_text() == "The sky is blue.\n"
    assert len([each for each in asked(stack) if each.startswith("POST")]) == 3
    assert len(simulator.calls()) == 4


def test_an_agent_whose_answer_breaks_off_in_the_middle_asks_again_and_finishes_its_task(
    agent: Agent, begin: Callable[..., Command], stack: Stack, simulator: Simulator, note: Path
) -> None:
    simulator.say(*told(agent, note))
    simulator.fault("error_line", after=1)

    work = begin(TASK)

    assert work.wait(LONG) == 0, work.said
    assert note.read_text() == "The sky is blue.\n"
    assert simulator.call(1)["end"] == "fault"
    until(lambda: stack.queue()["queued"] + stack.queue()["processing"] == 0, "nothing is left to do")


@pytest.mark.proxy(MAX_QUEUE_DEPTH="1")
def test_an_agent_comes_back_to_a_line_that_was_full(
    agent: Agent, begin: Callable[..., Command], stack: Stack, simulator: Simulator, note: Path
) -> None:
    simulator.say(*told(agent, note))
    simulator.fault("hang_before_first_token", match="others")
    others = stack.submit("others are served")
    stack.until_status(others, "processing")
    waiting = stack.submit("and wait")

    work = begin(TASK)
    until(lambda: any(each.endswith(" 429") for each in asked(stack)), "it is turned away", LONG)
    stack.cancel(others)
    stack.answer(waiting)

    assert work.wait(LONG) == 0, work.said
    assert note.read_text() == "The sky is blue.\n"


@pytest.mark.ollama(context_length=4096)
def test_an_agent_whose_first_words_are_too_long_for_the_model_is_told_so_once(
    agent: Agent, begin: Callable[..., Command], stack: Stack, simulator: Simulator
) -> None:
    work = begin(TASK)

    assert work.wait(LONG) != 0
    assert "too long" in work.said.lower() or "context window" in work.said.lower()
    assert len(simulator.calls()) == 1


def test_an_agent_that_asks_for_another_model_is_told_so_and_nothing_is_queued(
    agent: Agent, begin: Callable[..., Command], stack: Stack, simulator: Simulator
) -> None:
    work = begin(TASK, model="nope")

    assert work.wait(LONG) != 0
    assert "nope" in work.said
    assert simulator.calls() == []


def test_an_agent_that_is_killed_leaves_the_model_free(
    agent: Agent, begin: Callable[..., Command], stack: Stack, simulator: Simulator
) -> None:
    simulator.fault("hang_before_first_token")
    work = begin(TASK)
    simulator.wait_for("started", 1, timeout=LONG)

    work.kill()

    assert simulator.wait_for_end(1)["end"] == "client_closed"
    until(lambda: stack.queue()["queued"] + stack.queue()["processing"] == 0, "nothing is left to do")
