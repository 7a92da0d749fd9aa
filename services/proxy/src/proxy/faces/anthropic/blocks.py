"""What a message is made of: blocks, and of each the fields that are read. All others are let be."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import BeforeValidator, ConfigDict, Discriminator, Tag, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from proxy.asking.fields import JSONObject, ListOf, Text

LENIENT = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)
"""Fields of these names and types; others may be there, for clients are newer than this."""

UNREADABLE = frozenset({"image", "document", "container_upload"})
"""Blocks that this model cannot read. They are refused: without them it would answer something else."""


@with_config(LENIENT)
class TextBlock(TypedDict):
    """A piece of text."""

    type: Literal["text"]
    text: Text


@with_config(LENIENT)
class SearchResult(TypedDict):
    """A text that was found somewhere."""

    type: Literal["search_result"]
    source: Text
    title: Text
    content: ListOf[TextBlock]


@with_config(LENIENT)
class ToolUse(TypedDict):
    """The model's call of a tool."""

    type: Literal["tool_use"]
    id: Text
    name: Text
    input: NotRequired[JSONObject | None]


@with_config(LENIENT)
class Dropped(TypedDict):
    """A block that says nothing to this model: thoughts of another one, the calls of a vendor's own tools."""

    type: Text


def _unreadable(block: dict[str, Any]) -> dict[str, Any]:
    raise PydanticCustomError("unreadable", "only text is read here, no {type}", {"type": block["type"]})


def _kind_among(*known: str) -> Discriminator:
    """Tell blocks of these types apart from those that cannot be read, for their `type`, and those that are dropped."""

    def kind_of(block: Any) -> str | None:
        kind = block.get("type") if isinstance(block, dict) else None
        if not isinstance(kind, str):
            return None
        return kind if kind in known else "type" if kind in UNREADABLE else "dropped"

    says = "A block must be an object with a type"
    return Discriminator(kind_of, custom_error_type="block", custom_error_message=says)


def as_blocks(content: Any) -> Any:
    """Give a text as the one block that it stands for."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


Unreadable = Annotated[dict[str, Any], BeforeValidator(_unreadable)]
ResultBlock = Annotated[
    Annotated[TextBlock, Tag("text")]
    | Annotated[SearchResult, Tag("search_result")]
    | Annotated[Unreadable, Tag("type")]
    | Annotated[Dropped, Tag("dropped")],
    _kind_among("text", "search_result"),
]


@with_config(LENIENT)
class ToolResult(TypedDict):
    """What a tool answered."""

    type: Literal["tool_result"]
    tool_use_id: Text
    content: NotRequired[Annotated[ListOf[ResultBlock] | None, BeforeValidator(as_blocks)]]


Block = Annotated[
    Annotated[TextBlock, Tag("text")]
    | Annotated[SearchResult, Tag("search_result")]
    | Annotated[ToolUse, Tag("tool_use")]
    | Annotated[ToolResult, Tag("tool_result")]
    | Annotated[Unreadable, Tag("type")]
    | Annotated[Dropped, Tag("dropped")],
    _kind_among("text", "search_result", "tool_use", "tool_result"),
]
Content = Annotated[ListOf[Block], BeforeValidator(as_blocks)]
Texts = Annotated[ListOf[TextBlock], BeforeValidator(as_blocks)]
