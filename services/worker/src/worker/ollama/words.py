"""A model server's words as people may read them: one line, never a page and never JSON."""

import json
import re
from http import HTTPStatus

LONGEST = 300  # characters
LOOKED_AT = 4 * LONGEST  # characters of a message; some are blanks or cannot be shown
DEEPEST = 8  # wrappings of a message: Ollama's around its runner's around a gateway's are three
NAMES = ("error", "message", "detail", "msg")  # where Ollama, OpenAI's likes and FastAPI's have a message
LONGEST_JSON = 64 * 1024  # characters of an error that is JSON in a string; llama-server's have some hundred
TAIL = " \t\r\n:;,-"  # what is left dangling where the rest of a line was left out

_JSON = re.compile(r"[{\[]")
_BEGUN_JSON = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")
_PAGE = re.compile(r"<\s*(?:!doctype|html|head|body|title)\b", re.IGNORECASE)


def one_line(error: object) -> str:
    """Give the message in a model server's error as one line of at most 300 characters; "" if it has none.

    `error` is the value in its JSON: words, an object that holds them, or either once more as JSON in a string, which
    is how Ollama passes on its runner's errors.
    """
    words = _message(error, DEEPEST)
    page = _PAGE.search(words)
    if page:
        words = words[: page.start()].rstrip(TAIL)
    return clipped(re.sub(r"[^\S ]+", " ", words).strip())


def clipped(words: str) -> str:
    """Cut a line to its limit, and leave out what cannot be shown."""
    shown = "".join(letter for letter in words[:LOOKED_AT] if letter.isprintable())
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def answered(status: int | None) -> str:
    """Put a status into words, for a server that sent nothing else that may be shown."""
    try:
        return f"answered {status}: {HTTPStatus(status or 0).phrase}"
    except ValueError:
        return f"answered {status}"


def _message(error: object, depth: int) -> str:
    if depth == 0:
        return ""
    match error:
        case str():
            return _unwrapped(error, depth)
        case dict():
            found = (_message(error[name], depth - 1) for name in NAMES if error.get(name) is not None)
            return next(filter(None, found), "")
        case list():
            return _message(error[0], depth - 1) if error else ""
    return ""


def _unwrapped(words: str, depth: int) -> str:
    """Put the message in place of the JSON that words are or end with; JSON that was cut is left out."""
    at = _JSON.search(words)
    if not at:
        return words[:LOOKED_AT]
    before = words[: at.start()]
    try:
        inner = json.loads(words[at.start() :]) if len(words) <= LONGEST_JSON else None
    except (ValueError, RecursionError):
        inner = None
    if inner is not None:
        message = _message(inner, depth - 1)
        return f"{before}{message}" if message else before.rstrip(TAIL)
    return "" if _BEGUN_JSON.match(words) else words[:LOOKED_AT]
