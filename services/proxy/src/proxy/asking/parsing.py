"""A body's bytes, read as JSON."""

import codecs
from typing import Any

from pydantic_core import from_json

from proxy.asking import diagnosis, encoding, values
from proxy.errors import InvalidJSON


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
            message = f"The body is not JSON: {error}. {diagnosis.of(data) or 'Send one JSON object'}."
        raise InvalidJSON(message) from None
