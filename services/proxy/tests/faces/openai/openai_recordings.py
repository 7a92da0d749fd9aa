"""What a real Ollama 0.33.0 answered below /v1, and how an answer is compared with it: everything but what changes."""

from __future__ import annotations

import json
import re
from pathlib import Path

FILE = Path(__file__).parent / "recorded.jsonl"
LEFT_OUT = re.compile(r"…\(\d+ like these\)…")


def cases():
    """Each exchange: its name, what was sent, what came back."""
    return [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]


def case(name):
    [found] = [each for each in cases() if each["case"] == name]
    return found


def events_of(data):
    """The events of a stream, each of `data` alone, as JSON; [DONE] is itself."""
    lines = data.decode("ascii").split("\n\n")
    assert lines.pop() == ""
    assert all(line.startswith("data: ") for line in lines)
    texts = [line.removeprefix("data: ") for line in lines]
    return [text if text == "[DONE]" else json.loads(text) for text in texts]


def recorded_events(answer):
    return [each["data"] for each in answer["events"] if not (isinstance(each, str) and LEFT_OUT.fullmatch(each))]


def shape(value, name=""):
    """The same with every value's type in its place; keys stay in their order, which json.dumps shows."""
    if name in ("param", "code"):
        return "text or null"  # Ollama leaves both out, and we say more
    if isinstance(value, dict):
        return {key: shape(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return sorted({json.dumps(shape(each)) for each in value})
    return "number" if type(value) in (int, float) else type(value).__name__


def same_shape(value, recorded):
    return json.dumps(shape(value)) == json.dumps(shape(recorded))
