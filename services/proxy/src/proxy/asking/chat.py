"""What a chat is made of: messages, the model's calls of tools, and the tools."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from proxy.asking.fields import CLOSED, OPEN, JSONObject, ListOf, NoList, Object, Text, Whole


@with_config(CLOSED)
class CalledFunction(TypedDict):
    """The function that a model called, and with what."""

    name: Text
    arguments: JSONObject
    index: NotRequired[Whole | None]


@with_config(CLOSED)
class ToolCall(TypedDict):
    """One call of a tool by the model."""

    function: Object[CalledFunction]
    id: NotRequired[Text | None]
    type: NotRequired[Text | None]


@with_config(CLOSED)
class Message(TypedDict):
    """One message of a chat."""

    role: Literal["system", "user", "assistant", "tool"]
    content: NotRequired[Text | None]
    tool_calls: NotRequired[ListOf[Object[ToolCall]] | None]
    tool_name: NotRequired[Text | None]
    tool_call_id: NotRequired[Text | None]
    thinking: NotRequired[Text | None]
    images: NotRequired[NoList | None]


@with_config(OPEN)
class Function(TypedDict):
    """A function that the model may call; fields beyond these are passed on."""

    name: Text
    description: NotRequired[Text | None]
    parameters: NotRequired[JSONObject | None]


@with_config(CLOSED)
class Tool(TypedDict):
    """A tool that the model may call."""

    type: Literal["function"]
    function: Object[Function]


Messages = Annotated[ListOf[Object[Message]], Field(min_length=1)]
Tools = ListOf[Object[Tool]]


def is_empty(message: Message) -> bool:
    """Whether it says nothing, as only an assistant that calls tools may."""
    return message.get("content") is None and not (message["role"] == "assistant" and message.get("tool_calls"))


def written(messages: list[Message]) -> list[dict[str, Any]]:
    """Give messages as the model is to read them, without fields that say nothing."""
    return [
        {name: value for name, value in message.items() if value is not None and name != "images"}
        for message in messages
    ]
