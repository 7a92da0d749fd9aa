"""What every client asks of a model, and what its caller must have."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compatibility.clients import those
from compatibility.trial import WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from compatibility.clients import Client
    from compatibility.runtime import End, Runtimes
    from compatibility.trial import Trial


@dataclass(frozen=True, kw_only=True)
class Question:
    """One case: what is asked, who can ask it, and what is right."""

    case: Mapping[str, Any]
    is_right: Callable[[End, list[str]], bool]
    text: str = "Count to ten, please"
    able: tuple[str, ...] = ()
    pace: float = 0.0
    """Seconds from one token to the next."""


def _whole(end: End, _pieces: list[str]) -> bool:
    return end.text == WORDS


def _in_pieces(end: End, pieces: list[str]) -> bool:
    return end.text == WORDS and "".join(pieces).rstrip("\n") == WORDS and len(pieces) > 1


def _called(end: End, _pieces: list[str]) -> bool:
    return [(call["name"], sorted(call["arguments"])) for call in end.calls] == [("add_numbers", ["a", "b"])]


def _called_and_answered(end: End, pieces: list[str]) -> bool:
    return _called(end, pieces) and end.text == WORDS


def _of_the_schema(end: End, _pieces: list[str]) -> bool:
    found = end.data or json.loads(end.text)
    return set(found) == {"city", "people"} and isinstance(found["people"], int)


IN_PIECES = 0.2  # seconds between tokens, so that some arrive while others are still to come
ADDING = "Please use add_numbers, or not"
QUESTIONS: dict[str, Question] = {
    "whole answer": Question(case={"stream": False}, is_right=_whole),
    "streamed answer": Question(case={"stream": True}, is_right=_in_pieces, pace=IN_PIECES),
    "tool call": Question(case={"stream": False, "tools": True}, text=ADDING, able=("tools",), is_right=_called),
    "streamed tool call": Question(
        case={"stream": True, "tools": True}, text=ADDING, able=("tools",), is_right=_called
    ),
    "tool result": Question(
        case={"stream": False, "tools": True, "result": "14"},
        text=ADDING,
        able=("tools",),
        is_right=_called_and_answered,
    ),
    "streamed tool result": Question(
        case={"stream": True, "tools": True, "result": "14"},
        text=ADDING,
        able=("tools",),
        is_right=_called_and_answered,
    ),
    "JSON schema": Question(case={"stream": False, "schema": True}, able=("schema",), is_right=_of_the_schema),
    "completion": Question(case={"stream": False, "do": "completions"}, able=("completions",), is_right=_whole),
    "streamed completion": Question(
        case={"stream": True, "do": "completions"}, able=("completions",), is_right=_in_pieces, pace=IN_PIECES
    ),
    "generate": Question(case={"stream": False, "do": "generate"}, able=("generate",), is_right=_whole),
    "streamed generate": Question(
        case={"stream": True, "do": "generate"}, able=("generate",), is_right=_in_pieces, pace=IN_PIECES
    ),
}


def ask(trial: Trial, runtimes: Runtimes, name: str, url: str) -> dict[Client, str]:
    """Let every client that can ask it; `right` for each, or what it had instead."""
    question = QUESTIONS[name]
    trial.simulator.set(pace=question.pace)
    talks = [runtimes.begin(client, url, question.text, **question.case) for client in those(*question.able)]
    found = {}
    for talk in talks:
        end = talk.end()
        is_right = not end.error and question.is_right(end, talk.pieces)
        found[talk.client] = "right" if is_right else f"{end.told} {talk.pieces[:20]}"
    trial.reset()
    return found
