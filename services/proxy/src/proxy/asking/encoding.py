"""The encoding of bodies: UTF-8, with the rest of a cut emoji replaced; any other encoding is refused by its name."""

import json
import re

from proxy.errors import InvalidJSON

MOST_HALVES = 20_000  # of surrogate pairs, so that looking at each takes 10 ms; a text that was cut has one

# What UTF-8 would write for half a surrogate pair, if it could. No character begins with these bytes.
HALF = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
TWO_HALVES = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")

# An escape of half a surrogate pair without the other half, in a text whose escaped backslashes were put away.
ESCAPED_HALF = re.compile(
    rb"\\u[dD](?:"
    rb"[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})|"
    rb"[c-fC-F][0-9a-fA-F]{2}(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))"
)
ESCAPED_BACKSLASH, PUT_AWAY = rb"\\", b"\0\0"

NAMES = {"utf-16": "UTF-16, as PowerShell writes files", "utf-32": "UTF-32"}


def mended(data: bytes) -> bytes:
    """Write U+FFFD, which is as long, for each half of a surrogate pair that stands alone, escaped or not.

    Raises InvalidJSON when there are more than a text has that was cut.
    """
    if data.count(rb"\ud") + data.count(rb"\uD") > MOST_HALVES:
        raise _too_many()
    if b"\xed" in data and not TWO_HALVES.search(data):
        data, found = HALF.subn("\ufffd".encode(), data, count=MOST_HALVES)
        if found == MOST_HALVES:
            raise _too_many()
    if PUT_AWAY in data:  # no JSON, whatever else there is
        return data
    data = data.replace(ESCAPED_BACKSLASH, PUT_AWAY)
    return ESCAPED_HALF.sub(rb"\\ufffd", data).replace(PUT_AWAY, ESCAPED_BACKSLASH)


def foreign(data: bytes, charset: str | None) -> str | None:
    """Say what a body is in, if not in UTF-8; `charset` is what its Content-Type calls it."""
    if name := NAMES.get(json.detect_encoding(data)[:6]):
        return f"it is in {name}"
    if data.startswith(b"\x1f\x8b"):
        return "it is compressed by gzip"
    if TWO_HALVES.search(data):
        return "it is in CESU-8, which writes an emoji as two halves"
    try:
        data.decode()
    except UnicodeDecodeError as error:
        byte = f"byte {error.start} is 0x{data[error.start]:02X}"
        if charset and charset.lower() not in ("utf-8", "utf8"):
            return f"{byte}, and its Content-Type says {charset[:40]!a}"
        return f"{byte}, as in Windows-1252 (Latin-1), or as in a text that was cut within a character"
    return None


def _too_many() -> InvalidJSON:
    message = (
        f"The body is not JSON, and holds more than {MOST_HALVES} halves of surrogate pairs, "
        "too many to look for those that stand alone. Send whole characters."
    )
    return InvalidJSON(message)
