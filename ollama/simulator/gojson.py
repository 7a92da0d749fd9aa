"""JSON as Go's encoding/json reads and writes it."""

import codecs
import json
import re
from typing import Any

from .errors import Malformed

MAX_DEPTH = 10_000  # Go's own limit

_BLANKS = b" \t\r\n"
_ESCAPED = re.compile("[<>&\u2028\u2029\ud800-\udfff]")
_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+')
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LITERALS = {b"t": b"true", b"f": b"false", b"n": b"null"}


class BeyondFloat(float):
    """A number that no float64 holds, with the digits that were sent."""

    digits: str


def dumps(value: object) -> bytes:
    """Write compactly, with the five characters escaped that Go escapes, and no others above ASCII."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _ESCAPED.sub(_escape, text).encode()


def loads(data: bytes) -> Any:
    """Read the first JSON value; what follows it is ignored.

    Raises:
        Malformed: with Go's words.
    """
    text = data.decode("utf-8", "one-for-each-byte").lstrip(" \t\r\n")
    try:
        value = _DECODER.raw_decode(text)[0]
    except (ValueError, RecursionError):
        raise Malformed(complaint(data)) from None
    return _without_surrogates(value) if "\\u" in text else value


def complaint(data: bytes) -> str:  # noqa: C901, PLR0911, PLR0912 (one branch for each expectation reads best in one place)
    """Say what Go's scanner finds wrong first."""
    if not data.strip(_BLANKS):
        return "missing request body"
    at, expected, closers = 0, "value", bytearray()
    while True:
        while at < len(data) and data[at] in _BLANKS:
            at += 1
        if at >= len(data):
            return "unexpected EOF"
        here = data[at : at + 1]
        if closers and here == closers[-1:] and expected in ("first key", "first value", "comma"):
            closers.pop()
            at += 1
            expected = "comma"
        elif expected in ("key", "first key"):
            if here != b'"':
                return f"invalid character {quoted(here)} looking for beginning of object key string"
            at, wrong = _string(data, at)
            if wrong:
                return wrong
            expected = "colon"
        elif expected == "colon":
            if here != b":":
                return f"invalid character {quoted(here)} after object key"
            at, expected = at + 1, "value"
        elif expected == "comma" and closers:
            is_object = closers[-1:] == b"}"
            if here != b",":
                after = "object key:value pair" if is_object else "array element"
                return f"invalid character {quoted(here)} after {after}"
            at, expected = at + 1, "key" if is_object else "value"
        elif expected == "comma":
            return "unexpected EOF"
        elif here in (b"{", b"["):
            closers += b"}" if here == b"{" else b"]"
            if len(closers) > MAX_DEPTH:
                return f"invalid character {quoted(here)} exceeded max depth"
            at, expected = at + 1, "first key" if here == b"{" else "first value"
        else:
            at, wrong = _scalar(data, at)
            if wrong:
                return wrong
            expected = "comma"


def quoted(byte: bytes) -> str:
    """A byte as Go quotes it in its complaints: each one a character of its own."""
    character = byte.decode("latin-1")
    special = {"'": r"'\''", '"': "'\"'", "\\": r"'\\'", "\n": r"'\n'", "\t": r"'\t'", "\r": r"'\r'"}
    if character in special:
        return special[character]
    if character < " " or character == "\x7f":
        return f"'\\x{ord(character):02x}'"
    return f"'\\u{ord(character):04x}'" if "\x80" <= character < "\xa1" else f"'{character}'"


def _scalar(data: bytes, at: int) -> tuple[int, str]:
    here = data[at : at + 1]
    if here == b'"':
        return _string(data, at)
    if here in _LITERALS:
        return _literal(data, at, _LITERALS[here])
    if found := _NUMBER.match(data, at):
        return _after_number(data, found)
    if here == b"-":
        return at, _at_number(data, at + 1)
    return at, f"invalid character {quoted(here)} looking for beginning of value"


def _string(data: bytes, at: int) -> tuple[int, str]:
    found = _STRING.match(data, at)
    end = found.end() if found else at
    after = data[end : end + 1]
    if after == b'"':
        return end + 1, ""
    if after == b"\\":
        return end, _at_escape(data, end + 1)
    return end, f"invalid character {quoted(after)} in string literal" if after else "unexpected EOF"


def _at_escape(data: bytes, at: int) -> str:
    if data[at : at + 1] != b"u":
        after = data[at : at + 1]
        return f"invalid character {quoted(after)} in string escape code" if after else "unexpected EOF"
    for digit in range(at + 1, at + 5):
        after = data[digit : digit + 1]
        if not after:
            return "unexpected EOF"
        if after not in b"0123456789abcdefABCDEF":
            return f"invalid character {quoted(after)} in \\u hexadecimal character escape"
    return "unexpected EOF"


def _literal(data: bytes, at: int, word: bytes) -> tuple[int, str]:
    for place in range(1, len(word)):
        after = data[at + place : at + place + 1]
        if not after:
            return at, "unexpected EOF"
        if after != word[place : place + 1]:
            expecting = quoted(word[place : place + 1])
            return at, f"invalid character {quoted(after)} in literal {word.decode()} (expecting {expecting})"
    return at + len(word), ""


def _after_number(data: bytes, found: "re.Match[bytes]") -> tuple[int, str]:
    """Where the number ends, or what is wrong with it: digits are missing behind its point or its exponent."""
    number, at = found[0], found.end()
    if data[at : at + 1] == b"." and not re.search(rb"[.eE]", number):
        place, at = "after decimal point in", at + 1
    elif data[at : at + 1] in (b"e", b"E") and not re.search(rb"[eE]", number):
        at += 2 if data[at + 1 : at + 2] in (b"+", b"-") else 1
        place = "in exponent of"
    else:
        return at, ""
    after = data[at : at + 1]
    return at, f"invalid character {quoted(after)} {place} numeric literal" if after else "unexpected EOF"


def _at_number(data: bytes, at: int) -> str:
    after = data[at : at + 1]
    return f"invalid character {quoted(after)} in numeric literal" if after else "unexpected EOF"


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return "\ufffd" if "\ud800" <= character <= "\udfff" else f"\\u{ord(character):04x}"


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case list():
            return [_without_surrogates(each) for each in value]
        case dict():
            return {_without_surrogates(key): _without_surrogates(each) for key, each in value.items()}
        case _:
            return value


def _float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        value = BeyondFloat(value)
        value.digits = digits
    return value


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _one_for_each_byte(error: UnicodeError) -> tuple[str, int]:
    # Python's "replace" writes one U+FFFD for a cut character, Go one for each of its bytes.
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\ufffd" * (error.end - error.start), error.end


codecs.register_error("one-for-each-byte", _one_for_each_byte)
_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_float)
