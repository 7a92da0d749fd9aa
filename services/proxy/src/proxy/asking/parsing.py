"""A body's bytes, read as JSON."""

import codecs
import re
from typing import Any

from pydantic_core import from_json

from proxy.asking import encoding, values
from proxy.errors import InvalidJSON

FROM_A_FILE = r'write \" inside of "…", or send it from a file, with curl --data-binary @body.json'

SIGNS = [
    (rb"\Z", "It is empty: send one JSON object"),
    (rb"\\?'", f"It begins with a single quote, which cmd does not take off: {FROM_A_FILE}"),
    (rb"[{[]\s*\\['\"]", "It has backslashes before its quotes, which the shell passed on: leave them out"),
    (rb"[{[]\s*'", "It has single quotes where JSON has double ones, as Python prints a dict: use json.dumps"),
    (rb"[{[]\s*\xe2\x80[\x98-\x9f]", "It has the quotes of a word processor: write straight ones"),
    (rb"\{\s*[A-Za-z_]", f"Its quotes are gone, as PowerShell and cmd take them off: {FROM_A_FILE}"),
    (rb"[\w.%+-]{1,100}=", 'It looks like a form: send JSON, such as {"prompt": "Hello"}'),
]
"""How bodies begin that are not JSON, and what most likely happened to them, in words for their sender."""


def parse(data: bytes, *, charset: str | None = None) -> Any:
    """Read a body. Raises InvalidJSON, and InvalidRequest for what JSON can say but a prompt cannot hold.

    A byte order mark is skipped, and half a surrogate pair, as is left of an emoji that was cut, becomes U+FFFD, as in
    the model's own text. Any other encoding is refused by its name; `charset` is what the Content-Type calls it.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    excess = values.excess(data)
    value = _parsed(data[:excess], charset, is_whole=excess is None)
    if excess is not None:
        raise values.too_many(value)
    values.check(value)
    return value


def _parsed(data: bytes, charset: str | None, *, is_whole: bool) -> Any:
    # Texts are not kept to be used again: 50,000 that are all different take four times as long with that.
    how: dict[str, Any] = {"allow_inf_nan": False, "allow_partial": not is_whole, "cache_strings": "none"}
    try:
        return from_json(data, **how)
    except ValueError:
        data = encoding.mended(data)
    try:
        return from_json(data, **how)
    except ValueError as error:
        if foreign := encoding.foreign(data, charset):
            message = f"The body is not in UTF-8: {foreign}. Send one JSON object in UTF-8."
        else:
            message = f"The body is not JSON: {error}. {_diagnosis(data) or 'Send one JSON object'}."
        raise InvalidJSON(message) from None


def _diagnosis(data: bytes) -> str | None:
    """Say what probably happened, and what to do; None where nothing points to it."""
    start = data[:1_000].lstrip()
    return next((words for sign, words in SIGNS if re.match(sign, start)), None)
