"""The request for a completion, read into neutral words."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from proxy.asking.fields import Text
from proxy.calls.asked import Asked
from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Kind
from proxy.faces.openai.fields import checked, only, wrong
from proxy.faces.openai.requests import NO_PROBABILITIES, One, Request
from proxy.faces.openai.sampling import options_of

NO_TOKENS = "The field prompt must be one text: neither several nor tokens are taken."
NO_ECHO = "An answer does not repeat its prompt. Leave the field out."


def _one_text(value: Any) -> Any:
    text = value[0] if isinstance(value, list) and len(value) == 1 else value
    if not isinstance(text, str):
        raise wrong(NO_TOKENS)
    return text


class Completion(Request):
    """The fields that are known of a request for a completion."""

    prompt: Annotated[Text, BeforeValidator(_one_text)] | None = None
    suffix: Text | None = None
    echo: Annotated[Any, only(lambda value: value is False, NO_ECHO)] | None = None
    best_of: One | None = None
    logprobs: Annotated[Any, only(lambda value: value is False, NO_PROBABILITIES)] | None = None


def read(body: Any, *, longest: int) -> Asked:
    """Read a body, which is any JSON; an answer has `longest` tokens where it names no limit. Raises InvalidAsked.

    An empty prompt is no prompt for the queue: Ollama only loads its model for one, and says so at once.
    """
    asked = checked(Completion, body)
    if not asked.model:
        message = "model '' not found"
        raise InvalidAsked(message, param="model", kind=Kind.UNKNOWN_MODEL)
    if asked.suffix:
        message = f"registry.ollama.ai/library/{_tagged(asked.model)} does not support insert"
        raise InvalidAsked(message, param="suffix")
    return Asked(
        request={
            "prompt": asked.prompt or "",
            "options": options_of(asked, limit=asked.max_tokens, longest=longest),
        },
        echo=asked.repeated,
        streams=bool(asked.stream),
        priority=asked.priority,
        metadata=asked.metadata or None,
    )


def _tagged(model: str) -> str:
    return model if ":" in model else f"{model}:latest"
