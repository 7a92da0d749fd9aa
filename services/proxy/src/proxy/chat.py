"""What a chat is made of: messages, the model's calls of tools, and the tools."""

from typing import Annotated, Any, Literal

from pydantic import Field

from proxy.fields import Fields, JSONObject, NoList, OpenFields, Text, Whole


class CalledFunction(Fields):
    """The function that a model called, and with what."""

    name: Text
    arguments: JSONObject
    index: Whole | None = None


class ToolCall(Fields):
    """One call of a tool by the model."""

    function: CalledFunction
    id: Text | None = None
    type: Text | None = None


class Message(Fields):
    """One message of a chat."""

    role: Literal["system", "user", "assistant", "tool"]
    content: Text | None = None
    tool_calls: list[ToolCall] | None = None
    tool_name: Text | None = None
    tool_call_id: Text | None = None
    thinking: Text | None = None
    images: NoList | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing, as only an assistant that calls tools may."""
        return self.content is None and not (self.role == "assistant" and self.tool_calls)


class Function(OpenFields):
    """A function that the model may call; fields beyond these are passed on."""

    name: Text
    description: Text | None = None
    parameters: JSONObject | None = None


class Tool(Fields):
    """A tool that the model may call."""

    type: Literal["function"]
    function: Function


Messages = Annotated[list[Message], Field(min_length=1)]


def given(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give messages as they were sent, without fields that are null."""
    return [{name: value for name, value in message.items() if value is not None} for message in messages]


def written(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give messages as the model is to read them, without fields that say nothing."""
    return [{name: value for name, value in message.items() if name != "images"} for message in given(messages)]
