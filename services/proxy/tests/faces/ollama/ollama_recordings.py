"""The exchanges recorded of a real Ollama 0.33.0, and how an answer of this product is compared with one of them.

What is compared: the status, the kind of body, that a stream has one record in each chunk, and the body itself, key by
key in its order. What is not: headers that every answer of this product has beside Ollama's, times and sizes, in how
many pieces a text comes, and `context`, which is never given. One exchange is not among them: that of a client which
closes its half of the connection. A real Ollama goes on for ever then; here that client has left. The home folder of
the machine that was recorded is written `~`.
"""

import json
from pathlib import Path

from simulator.tests.raw import Reply
from simulator.tests.transcript import FILES, USUAL_HEADERS, WORDS, cases, made_up, same

HERE = Path(__file__).parent
MADE_UP = ("format json", "format schema", "format {}")
"""Cases in which the recorded model wrote random JSON."""


def all_cases():
    """Every recorded exchange with the name of its file: those that the simulator is held to, and the others."""
    beyond = [json.loads(line) for line in (HERE / "beyond_the_simulator.jsonl").read_text("utf-8").splitlines()]
    return [(name, case) for name in FILES for case in cases(name)] + [(case["file"], case) for case in beyond]


def differences(case: str, recorded: dict, reply: Reply) -> list[str]:
    """What differs from the recording, in words."""
    found = []
    if int(recorded["status"].removeprefix("HTTP/1.0 ")[:3]) != reply.code:
        return [f"{reply.code}, not {recorded['status']}: {reply.body[:100]!r}"]
    if not reply.is_whole:
        found.append("it is cut")
    if recorded.get("framing") == "no body":
        return found
    [kind] = [line for line in recorded.get("headers", USUAL_HEADERS) if line.startswith("Content-Type")] or [None]
    if kind and kind != f"Content-Type: {reply.header('Content-Type')}":
        found.append(f"{reply.header('Content-Type')}, not {kind}")
    if "lines" in recorded:
        return found + _of_lines(recorded["lines"], reply)
    if "body_keys" in recorded:
        return found + ([] if list(reply.json) == recorded["body_keys"] else [f"keys {list(reply.json)}"])
    return found + _of_body(case, recorded.get("body", ""), reply)


def _of_lines(recorded, reply):
    if not all(chunk.endswith(b"\n") and chunk.count(b"\n") == 1 for chunk in reply.chunks):
        return [f"not a record a chunk: {reply.chunks}"]
    given = reply.lines
    found = same(_without_context(recorded[-1]), given[-1])
    if len(recorded) > 1:
        found += [f"keys {list(each)}" for each in given[:-1] if list(each) != list(recorded[0])]
        if "error" not in recorded[-1]:
            words = WORDS if any(isinstance(each, str) for each in recorded) else _text(recorded)
            found += [] if _text(given) == words else [f"text {_text(given)!r}, not {words!r}"]
    return found


def _of_body(case, recorded, reply):
    text = reply.body.decode()
    if isinstance(recorded, str) and not recorded.startswith("{"):
        return [] if text == recorded else [f"{text[:60]!r}, not {recorded!r}"]
    recorded = json.loads(recorded) if isinstance(recorded, str) else recorded
    try:
        compare = made_up if case in MADE_UP else same
        return compare(_without_context(recorded), json.loads(text))
    except ValueError:
        return [f"{text[:60]!r} is no JSON"]


def _without_context(record):
    return {key: value for key, value in record.items() if key != "context"}


def _text(records):
    return "".join(each["message"]["content"] if "message" in each else each.get("response", "") for each in records)
