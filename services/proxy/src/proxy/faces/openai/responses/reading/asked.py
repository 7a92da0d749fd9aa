"""A request for a response, read: what the model is asked in Ollama's words, and what the answer repeats."""

from collections.abc import Callable, Sequence
from typing import Any

from promptqueue.prompt import Priority
from pydantic_core import to_json

from proxy.calls.asked import Asked
from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Kind
from proxy.faces.openai.fields import checked
from proxy.faces.openai.responses.reading.body import Body, TextField
from proxy.faces.openai.responses.reading.items import Messages
from proxy.faces.openai.responses.reading.past import DEEPEST, Message, Past
from proxy.faces.openai.responses.reading.tools import Tools
from proxy.faces.openai.sampling import check_effort, format_of, options_of

HOUR = 3600.0  # seconds
WINDOWS: dict[str, float | None] = {"soonest": None, "2h": 2 * HOUR, "8h": 8 * HOUR}
"""How long a response in the background may wait, in seconds; None is without an end."""

FLEX = "flex"  # the service tier of who can wait
PLAIN = {"format": {"type": "text"}}

RULES: Sequence[tuple[Callable[[Body], Any], str, str]] = [
    (lambda body: body.conversation, "conversation", "No conversations are kept here. Use previous_response_id."),
    (lambda body: body.prompt, "prompt", "No prompts are kept here. Send instructions and input."),
    (lambda body: body.context_management, "context_management", "Contexts are not managed here. Leave it out."),
    (lambda body: body.top_logprobs, "top_logprobs", "The probabilities of tokens are not given. Leave it out."),
    (
        lambda body: body.background and body.store is False,
        "store",
        "A response in the background is stored, or nobody could fetch it. Leave store out.",
    ),
    (
        lambda body: _window(body) and (body.stream or not body.background),
        "background_options",
        "A completion_window needs background, and no stream.",
    ),
]
"""What cannot be asked: when it is, by which field, and in words for the client."""


def read(value: Any, *, past: Past, longest: int, largest: int) -> Asked:
    """Read a body, all but whether its model is the one that answers. Raises InvalidAsked.

    An answer has `longest` tokens where no limit is named; what the model is asked may have `largest` bytes.
    """
    body = checked(Body, value)
    if not body.model:
        message = "model is required"
        raise InvalidAsked(message, param="model")
    for is_broken, param, words in RULES:
        if is_broken(body):
            raise InvalidAsked(words, param=param)
    check_effort((body.reasoning or {}).get("effort"), model=body.model, param="reasoning.effort")
    if past.depth >= DEEPEST:
        message = f"{DEEPEST} responses may go on from one another, and here they do. Send the conversation as input."
        raise InvalidAsked(message, param="previous_response_id")
    tools = Tools(body.tools or [], body.tool_choice)
    request = {
        "messages": messages_of(body, past),
        "options": options_of(body, limit=body.max_output_tokens, longest=longest),
        "truncate": body.truncation == "auto",
        **{name: given for name, given in _optional(body, tools).items() if given is not None},
    }
    if (past.messages or past.items) and len(to_json(request)) > largest:  # the body itself was measured before
        message = f"With the responses before it, the prompt is larger than the {largest} bytes that are accepted."
        raise InvalidAsked(message, param="input", kind=Kind.TOO_LARGE, code="too_large")
    window = _window(body)
    return Asked(
        request=request,
        echo={"depth": past.depth + 1, **_echo(body, body.model, tools)},
        streams=bool(body.stream),
        priority=Priority.BATCH if window or body.service_tier == FLEX else Priority.INTERACTIVE,
        expires_in=window,
        metadata=body.metadata,
        in_background=bool(body.background),
        is_stored=body.store is not False,
        ignored=tools.ignored,
    )


def messages_of(body: Body, past: Past) -> Sequence[Message]:
    """Give the messages that the model reads. Raises InvalidAsked where the input adds none."""
    messages = Messages(past)
    given = body.input or []
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    for index, item in enumerate(items):
        messages.add(item, f"input.{index}")
    if messages.all == list(past.messages):
        message = "input is required: a text, or items of which at least one can be read"
        raise InvalidAsked(message, param="input")
    return messages.all


def _optional(body: Body, tools: Tools) -> dict[str, Any]:
    """Give the parts of a request that may be empty, and are left out then."""
    return {"system": body.instructions or None, "format": _format(body), "tools": list(tools.chosen) or None}


def _format(body: Body) -> Any:
    form = checked(TextField, body.text or {}, "text").format
    if form is None:
        return None
    return format_of(form.get("type"), form.get("schema"), param="text.format")


def _window(body: Body) -> float | None:
    window = body.background_options and body.background_options.completion_window
    return WINDOWS[window or "soonest"]


def _echo(body: Body, model: str, tools: Tools) -> dict[str, Any]:
    """Give what the answer repeats."""
    return {
        "model": model,
        "previous_response_id": body.previous_response_id,
        "instructions": body.instructions,
        "tools": tools.echo,
        "tool_choice": "auto" if body.tool_choice is None else body.tool_choice,
        "truncation": body.truncation or "disabled",
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "text": {**PLAIN, **{name: each for name, each in (body.text or {}).items() if each is not None}},
        "top_p": 1 if body.top_p is None else body.top_p,
        "temperature": 1 if body.temperature is None else body.temperature,
        "reasoning": body.reasoning,
        "max_output_tokens": body.max_output_tokens,
        "max_tool_calls": body.max_tool_calls,
        "store": body.store is not False,
        "background": bool(body.background),
        "service_tier": body.service_tier or "default",
        "safety_identifier": body.safety_identifier,
        "prompt_cache_key": body.prompt_cache_key,
    }
