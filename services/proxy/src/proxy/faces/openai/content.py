"""The content of messages: a text, or parts of which only texts can be read."""

from collections.abc import Mapping
from typing import Any

from proxy.calls.errors import InvalidAsked

TEXTS = {"text": "text", "refusal": "refusal", "input_text": "text", "output_text": "text"}
"""Kinds of parts that are texts, and the field that holds it."""

NO_PICTURES = "The model reads text only: leave images out."
NO_SOUND = "The model reads text only: leave audio out."
NO_FILES = "The model reads text only: send what the file says as text."
REFUSED = {
    "image_url": NO_PICTURES,
    "input_image": NO_PICTURES,
    "input_audio": NO_SOUND,
    "file": NO_FILES,
    "input_file": NO_FILES,
}
"""Kinds of parts that protocols have and this model cannot read, in words for the client."""


def text_of(content: Any, *, param: str) -> str:
    """Give a content as one text; its parts are joined by newlines. Raises InvalidAsked."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        message = f"The field {param} must be a text or a list of parts."
        raise InvalidAsked(message, param=param)
    return "\n".join(_part(part, f"{param}.{index}") for index, part in enumerate(content))


def _part(part: Any, param: str) -> str:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if not isinstance(kind, str):
        message = f"The part {param} must be an object with a type."
        raise InvalidAsked(message, param=param)
    if kind in REFUSED:
        raise InvalidAsked(REFUSED[kind], param=param)
    text = part.get(TEXTS.get(kind, ""))
    if not isinstance(text, str):
        message = f"The part {param} must be a text." if kind in TEXTS else f"The kind of the part {param} is unknown."
        raise InvalidAsked(message, param=param)
    return text
