"""The answers: Markdown made up from the prompt alone, so that the same prompt always gets the same text."""

import hashlib
import json
import re
from typing import Any

from .schema import Unreadable, example

LONGEST_ECHO = 400  # characters of the question that the answer repeats

_SPECIAL = re.compile(r"<\|[a-z_]+\|>")
_OPENINGS = (
    "No language model was asked. The simulator wrote this, so that all around a model can be tried without one.",
    "These words are made up. They have the shape of a real answer and arrive at the pace of one, and that is all.",
    "Nobody thought about your question. A simulator stands where the model would be, and always answers like this.",
)
_POINTS = (
    "the prompt was **queued**, claimed by a worker and handed to the model server",
    "the text arrives *token by token*, as a real model would send it",
    "the same question always gets the same answer here",
    "cancelling it closes the connection, and the next prompt starts at once",
    "with a real model, `llama3.2` would be answering now",
    "the counts and durations at the end were really measured",
)
_CODE = (
    ("python", 'def answer(prompt: str) -> str:\n    return f"You asked: {prompt}"'),
    ("sh", 'curl http://localhost:8000/api/v1/prompt \\\n  --json \'{"prompt": "Why is the sky blue?"}\''),
    ("json", '{\n  "model": "llama3.2",\n  "prompt": "Why is the sky blue?",\n  "stream": true\n}'),
)
_TOKEN = re.compile(r"\n+| ?[^\s]{1,10}|\s+?")


def answer_to(prompt: str) -> str:
    """The simulated answer to this prompt."""
    question = _SPECIAL.sub("", prompt).strip()
    digits = hashlib.sha256(prompt.encode()).digest()
    first = digits[1] % len(_POINTS)
    points = [_POINTS[(first + step) % len(_POINTS)] for step in range(3)]
    language, code = _CODE[digits[2] % len(_CODE)]
    parts = [
        f"*Simulated answer.* {_OPENINGS[digits[0] % len(_OPENINGS)]}",
        "## You asked",
        _quotation(question),
        "What happened on the way:",
        "\n".join(f"- {point}" for point in points),
        f"```{language}\n{code}\n```",
    ]
    if digits[3] % 2:
        parts.append(_table(question))
    parts.append("That is all the simulator has to say.")
    return "\n\n".join(parts)


def json_answer_to(prompt: str) -> str:
    """The simulated answer where any JSON is asked for."""
    question = _SPECIAL.sub("", prompt).strip()[:LONGEST_ECHO]
    return json.dumps({"simulated": True, "question": question, "answer": "made up"}, ensure_ascii=False, indent=2)


def tool_call_for(prompt: str, tools: list[Any]) -> dict[str, Any] | None:
    """The call of the first tool whose name the prompt mentions; its arguments are made up to fit."""
    for tool in tools:
        function = (tool.get("function") if isinstance(tool, dict) else None) or {}
        name = function.get("name") if isinstance(function, dict) else None
        if isinstance(name, str) and re.search(rf"\b{re.escape(name)}\b", prompt):
            try:
                arguments = example(function.get("parameters") or {"type": "object"})
            except Unreadable:
                arguments = {}
            digest = hashlib.sha256(f"{name} {prompt}".encode()).hexdigest()
            return {"id": f"call_{digest[:8]}", "function": {"index": 0, "name": name, "arguments": arguments}}
    return None


def tokens_of(text: str) -> list[str]:
    """Cut a text into tokens: a word with the blank before it, or a piece of a long one."""
    return _TOKEN.findall(text)


def _quotation(question: str) -> str:
    shown = question if len(question) <= LONGEST_ECHO else question[:LONGEST_ECHO].rstrip() + " …"
    return "\n".join(f"> {line}".rstrip() for line in shown.splitlines() or [""])


def _table(question: str) -> str:
    words = question.split()
    longest = max(words, key=len, default="").replace("|", "\\|")[:24]
    rows = f"| words | {len(words)} |\n| characters | {len(question)} |\n| longest word | {longest} |"
    return f"| your question | |\n|---|---|\n{rows}"
