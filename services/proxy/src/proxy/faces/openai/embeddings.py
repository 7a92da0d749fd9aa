"""Embeddings, which the model server does not make."""

from typing import Any

from proxy.asking.fields import Text
from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Kind
from proxy.faces.openai.fields import Fields, checked

NOT_MADE = "This server does not support embeddings. Start it with `--embeddings`"


class Embedding(Fields):
    """The fields that are looked at before a request is refused."""

    model: Text | None = None
    input: Any = None


def read(body: Any) -> str:
    """Read a body, which is any JSON; the model that it names. Raises InvalidAsked."""
    asked = checked(Embedding, body)
    if asked.input in (None, "", []):
        message = "invalid input"
        raise InvalidAsked(message, param="input")
    return asked.model or ""


def refusal() -> InvalidAsked:
    """Refuse a request that is as it should be."""
    return InvalidAsked(NOT_MADE, kind=Kind.UNSUPPORTED, code="not_supported")


def unknown(model: str) -> InvalidAsked:
    """Refuse a request for a model that there is not, in Ollama's words for this endpoint."""
    message = f'model "{model}" not found, try pulling it first'
    return InvalidAsked(message, param="model", kind=Kind.UNKNOWN_MODEL)
