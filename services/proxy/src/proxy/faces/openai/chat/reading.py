"""The request for a chat completion, read into neutral words."""

from typing import Annotated, Any

from proxy.asking.fields import JSONObject, ListOf, Text, Whole
from proxy.calls.asked import Asked
from proxy.calls.errors import InvalidAsked
from proxy.faces.openai.chat.messages import messages_of
from proxy.faces.openai.fields import Objects, checked, only
from proxy.faces.openai.requests import NO_PROBABILITIES, Request
from proxy.faces.openai.sampling import check_effort, format_of, options_of
from proxy.faces.openai.tools import DROPPED, chosen, tool_of, tools_of

TEXT_ONLY = "Answers are texts only: leave audio out."

NotYes = Annotated[Any, only(lambda value: value is False, NO_PROBABILITIES)]
NotAny = Annotated[Any, only(lambda value: value == 0 and value is not False, NO_PROBABILITIES)]
NoAudio = Annotated[Any, only(lambda value: value is False, TEXT_ONLY)]
Modalities = Annotated[ListOf[Text], only(lambda value: "audio" not in value, TEXT_ONLY)]


class Chat(Request):
    """The fields that are known of a request for a chat completion."""

    messages: Objects | None = None
    max_completion_tokens: Whole | None = None
    tools: Objects | None = None
    tool_choice: Any = None
    functions: Objects | None = None  # as tools were called first
    function_call: Any = None
    response_format: JSONObject | None = None
    reasoning_effort: Text | None = None
    reasoning: JSONObject | None = None
    logprobs: NotYes | None = None
    top_logprobs: NotAny | None = None
    modalities: Modalities | None = None
    audio: NoAudio | None = None


def read(body: Any, *, longest: int) -> Asked:
    """Read a body, which is any JSON; an answer has `longest` tokens where it names no limit. Raises InvalidAsked."""
    asked = checked(Chat, body)
    if not asked.messages:
        message = "[] is too short - 'messages'"
        raise InvalidAsked(message, param="messages")
    if not asked.model:
        message = "model is required"
        raise InvalidAsked(message, param="model")
    _check_efforts(asked, asked.model)
    limit = asked.max_tokens if asked.max_completion_tokens is None else asked.max_completion_tokens
    tools = _tools(asked)
    wanted = {
        "messages": messages_of(asked.messages),
        "format": _format(asked),
        "tools": tools,
        "options": options_of(asked, limit=limit, longest=longest),
    }
    return Asked(
        request={name: value for name, value in wanted.items() if value is not None},
        echo=asked.repeated,
        streams=bool(asked.stream),
        priority=asked.priority,
        metadata=asked.metadata or None,
        ignored=(DROPPED,) if any(each.get("type", "function") != "function" for each in asked.tools or ()) else (),
    )


def _tools(asked: Chat) -> list[dict[str, Any]] | None:
    functions = [tool_of(each, at=f"functions.{index}") for index, each in enumerate(asked.functions or ())]
    tools = [*tools_of(asked.tools or ()), *functions]
    left = chosen(tools, asked.tool_choice)
    return list(chosen(left, asked.function_call, param="function_call")) or None


def _format(asked: Chat) -> Any:
    if asked.response_format is None:
        return None
    named = asked.response_format.get("json_schema")
    schema = named.get("schema") if isinstance(named, dict) else None
    return format_of(asked.response_format.get("type"), schema, param="response_format")


def _check_efforts(asked: Chat, model: str) -> None:
    check_effort(asked.reasoning_effort, model=model, param="reasoning_effort")
    check_effort((asked.reasoning or {}).get("effort"), model=model, param="reasoning.effort")
