"""The recorded exchanges, and how an answer is compared with what was recorded."""

import json
import re
from pathlib import Path
from typing import Any

from .raw import Reply

FOLDER = Path(__file__).parent / "transcripts"
FILES = ("basics", "generate", "generate-errors", "chat", "http", "models")
USUAL_HEADERS = ["Content-Type: application/json; charset=utf-8", "Date", "Content-Length"]
WORDS = " ".join(f"token{number}" for number in range(1, 41))
"""The answer of the recorded test model, which the simulator is given too."""

# Values that differ between two machines or two models: only their type is compared.
_VOLATILE = re.compile(
    r"(total|load|prompt_eval|eval)_duration|(created|modified|expires)_at|size|digest|parent_model|parameter_size|"
    r"quantization_level|embedding_length"
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_LEFT_OUT = re.compile(r"…\((\d+) left out\)…")
_RESOLVER = re.compile(r"on \S+:53")
_MADE_UP = ("format json", "format schema", "format {}")


def cases(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").open(encoding="utf-8", newline="\n")]


def sent(text: str) -> bytes:
    """The bytes that a recorded text stands for: long runs and bytes that are no text were shortened."""
    if text.startswith('{"model":"llama3.2","x":[[['):
        return b'{"model":"llama3.2","x":' + b"[" * 11_000 + b"]" * 11_000 + b"}"
    text = re.sub(r"x+…\((\d+) times x\)", lambda found: "x" * int(found[1]), text)
    parts = re.split(r"\\x([0-9a-f]{2})", text)
    return b"".join(bytes([int(part, 16)]) if at % 2 else part.encode() for at, part in enumerate(parts))


def differences(case: str, recorded: dict[str, Any], reply: Reply) -> list[str]:
    """What differs from the recording, volatile values aside."""
    found = []
    if recorded["status"] != reply.status:
        found.append(f"status {reply.status}, recorded {recorded['status']}")
    if recorded.get("interim", "") != reply.interim:
        found.append(f"interim {reply.interim}")
    found += _headers(recorded.get("headers", USUAL_HEADERS), reply.headers, recorded)
    found += _framing(recorded, reply)
    if recorded.get("framing") == "no body":
        return found
    if "lines" in recorded:
        return found + _lines(recorded["lines"], reply)
    if "body_keys" in recorded:
        return found + ([] if list(reply.json) == recorded["body_keys"] else [f"keys {list(reply.json)}"])
    return found + _body(case, recorded.get("body", ""), reply)


def _headers(recorded: list[str], given: list[str], answer: dict[str, Any]) -> list[str]:
    shortened = [line.split(":")[0] if line.split(":")[0] in ("Date", "Content-Length") else line for line in given]
    if answer["status"].startswith("HTTP/1.0") and "headers" not in answer:
        recorded = USUAL_HEADERS
    return [] if shortened == recorded else [f"headers {shortened}, recorded {recorded}"]


def _framing(recorded: dict[str, Any], reply: Reply) -> list[str]:
    said = recorded.get("framing", "length")
    kind = "chunked" if said.startswith("chunked") else "length" if said.startswith("length") else said
    if kind != reply.framing or not reply.is_whole:
        return [f"framing {reply.framing}, whole: {reply.is_whole}, recorded {said}"]
    if kind != "chunked":
        return []
    chunks = int(re.findall(r"chunked: (\d+) chunks", said)[0])
    lines_each = [chunk.count(b"\n") for chunk in reply.chunks]
    wanted = [1 if "each one line" in said else 0] * chunks
    return [] if lines_each == wanted else [f"lines in each chunk {lines_each}, recorded {said}"]


def _lines(recorded: list[Any], reply: Reply) -> list[str]:
    given = reply.lines
    whole: list[Any] = []
    for each in recorded:
        if isinstance(each, str):  # "…(37 like these)…"
            whole += [None] * int(re.findall(r"\d+", each)[0])
        else:
            whole.append(each)
    if len(whole) != len(given):
        return [f"{len(given)} lines, recorded {len(whole)}"]
    return [wrong for each, line in zip(whole, given, strict=True) if each is not None for wrong in same(each, line)]


def _body(case: str, recorded: Any, reply: Reply) -> list[str]:
    given = reply.body.decode()
    is_json = not isinstance(recorded, str) or recorded.startswith("{")
    if not is_json:
        return [] if given == recorded else [f"body {given!r}, recorded {recorded!r}"]
    if isinstance(recorded, str):
        escapes = set(re.findall(r"\\u[0-9a-f]{4}", recorded)), set(re.findall(r"\\u[0-9a-f]{4}", given))
        if case not in _MADE_UP and escapes[0] != escapes[1]:
            return [f"escapes {escapes[1]}, recorded {escapes[0]}"]
        recorded = json.loads(recorded)
    value = json.loads(given)
    compact = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if "\\u" not in given and compact != given:
        return [f"not compact: {given!r}"]
    if case in _MADE_UP:
        return made_up(recorded, value)
    return same(recorded, value)


def made_up(recorded: dict[str, Any], given: dict[str, Any]) -> list[str]:
    """Where a format was asked for the recorded text is random: it must be JSON, and the fields the same."""
    text = given["message"]["content"] if "message" in given else given["response"]
    json.loads(text)
    return [] if list(recorded) == list(given) else [f"keys {list(given)}, recorded {list(recorded)}"]


def same(recorded: Any, given: Any, where: str = "") -> list[str]:  # noqa: PLR0911 (a table of kinds)
    key = where.rpartition(".")[2]
    if isinstance(recorded, dict):
        if not isinstance(given, dict) or list(recorded) != list(given):
            return [f"{where}: keys {list(given)}, recorded {list(recorded)}"]
        return [wrong for name in recorded for wrong in same(recorded[name], given[name], f"{where}.{name}")]
    if key == "context":
        length = sum(_left_out(each) for each in recorded)
        return [] if len(given) == length else [f"context of {len(given)}, recorded {length}"]
    if isinstance(recorded, list):
        if any(isinstance(each, str) and _LEFT_OUT.fullmatch(each) for each in recorded):
            return [] if len(given) == sum(map(_left_out, recorded)) else [f"{where}: {len(given)} elements"]
        if not isinstance(given, list) or len(recorded) != len(given):
            return [f"{where}: {given}, recorded {recorded}"]
        pairs = zip(recorded, given, strict=True)
        return [wrong for number, pair in enumerate(pairs) for wrong in same(*pair, f"{where}[{number}]")]
    if key.endswith("_at"):
        return [] if _MOMENT.fullmatch(given) else [f"{where}: {given} is no moment"]
    if _VOLATILE.fullmatch(key):
        return [] if type(recorded) is type(given) else [f"{where}: {given!r}, recorded {recorded!r}"]
    if isinstance(recorded, str) and isinstance(given, str):
        recorded, given = _RESOLVER.sub("on RESOLVER", recorded), _RESOLVER.sub("on RESOLVER", given)
        recorded = recorded.replace("token1 token2 …(and so on)… token40", WORDS)
        recorded = re.sub(r"token1 token2 …\(and so on\)… token(\d+)", _counted, recorded)
    return [] if recorded == given else [f"{where}: {given!r}, recorded {recorded!r}"]


def _counted(found: re.Match[str]) -> str:
    return " ".join(f"token{number}" for number in range(1, int(found[1]) + 1))


def _left_out(element: Any) -> int:
    found = _LEFT_OUT.fullmatch(element) if isinstance(element, str) else None
    return int(found[1]) if found else 1
