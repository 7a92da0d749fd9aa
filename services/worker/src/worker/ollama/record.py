"""A record of Ollama's stream, read from a line that may hold anything."""

import json
import re
from typing import Any

from worker.ollama.call_end import CallEnd, EndKind, OllamaFailed
from worker.ollama.words import one_line

MOST_TOKENS = 400_000  # of JSON: a model's whole `context` has 131,072; each may cost a hundred bytes of memory
LONGEST_ERROR = 4_000  # characters of an error that are kept for the decision table
LARGEST = 2**63  # the first integer that neither a column nor other programs can hold

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[,\[{]', re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def read(line: bytes) -> dict[str, Any]:
    """Read a record. Numbers that JSON or a column cannot hold become null, broken characters U+FFFD.

    Raises OllamaFailed: it is not a JSON object, would take too much memory, or is an error.
    """
    record = loads(line)
    if not isinstance(record, dict):
        raise OllamaFailed(CallEnd(kind=EndKind.GIBBERISH))
    if record.get("error") is not None:
        raise OllamaFailed(CallEnd(kind=EndKind.ERROR_LINE, words=kept(record["error"])))
    return record


def loads(text: bytes) -> Any:
    """Read JSON; None if it is not JSON."""
    if _is_too_many(text):
        return None
    try:
        value = _DECODER.decode(text.decode())
        if _SURROGATE.search(text):
            whole = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            value = _DECODER.decode(whole)
    except (ValueError, RecursionError):
        return None
    return value


def is_deeper(value: object, levels: int) -> bool:
    """Whether a value of JSON nests deeper than so many levels of objects and lists."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for values in inner for each in values if isinstance(each, dict | list)]
    return bool(level)


def kept(error: object) -> str:
    """Give an error for the decision table: unchanged, or as one line if it is too long or not a string."""
    return error if isinstance(error, str) and len(error) <= LONGEST_ERROR else one_line(error)


def _is_too_many(text: bytes) -> bool:
    """Whether reading it would take far more memory than its text; what stands within strings does not count."""
    if len(text) <= MOST_TOKENS or text.count(b",") + text.count(b"[") + text.count(b"{") <= MOST_TOKENS:
        return False
    return any(number > MOST_TOKENS for number, _ in enumerate(_TOKEN.finditer(text)))


def _integer(digits: str) -> int | None:
    if len(digits) > len(str(LARGEST)) + 1:
        return None
    number = int(digits)
    return number if -LARGEST <= number < LARGEST else None


def _float(digits: str) -> float | None:
    number = float(digits)
    return number if abs(number) != float("inf") else None


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=lambda _: None)
