"""The body of a request for a message: the fields that are read. All others are let be."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, BaseModel, Field, StrictBool, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from proxy.asking import json_schema
from proxy.asking.fields import JSONObject, ListOf, Single, Stops, Text, Whole
from proxy.faces.anthropic.blocks import LENIENT, Content, Texts


def _schema(value: dict[str, Any]) -> dict[str, Any]:
    if problem := json_schema.problem(value):
        raise PydanticCustomError("schema", "it is not a JSON Schema: {problem}", {"problem": problem})
    return value


@with_config(LENIENT)
class Message(TypedDict):
    """One turn of the conversation, or words of the system between two."""

    role: Literal["user", "assistant", "system"]
    content: Content


@with_config(LENIENT)
class Tool(TypedDict):
    """A tool. One whose type is neither absent nor `custom` is the vendor's own, and has other fields."""

    type: NotRequired[Text | None]
    name: NotRequired[Text | None]
    description: NotRequired[Text | None]
    input_schema: NotRequired[JSONObject | None]


@with_config(LENIENT)
class ToolChoice(TypedDict):
    """Which tools the model may call."""

    type: Literal["auto", "any", "tool", "none"]
    name: NotRequired[Text | None]


@with_config(LENIENT)
class Format(TypedDict):
    """The shape that the answer must have."""

    type: Literal["json_schema"]
    schema: Annotated[JSONObject, AfterValidator(_schema)]


@with_config(LENIENT)
class OutputConfig(TypedDict):
    """How the answer is to be."""

    format: NotRequired[Format | None]
    effort: NotRequired[Any]


class Conversation(BaseModel):
    """What both a request for a message and one for its count hold."""

    model_config = LENIENT

    model: Text
    messages: Annotated[ListOf[Message], Field(min_length=1)]
    system: Texts | None = None
    tools: ListOf[Tool] | None = None
    tool_choice: ToolChoice | None = None


class Body(Conversation):
    """A request for a message."""

    max_tokens: Annotated[Whole, Field(gt=0)]
    temperature: Single | None = None
    top_p: Single | None = None
    top_k: Whole | None = None
    stop_sequences: Stops | None = None
    stream: StrictBool | None = None
    output_config: OutputConfig | None = None
    output_format: Format | None = None  # where output_config.format stood while it was tried out
