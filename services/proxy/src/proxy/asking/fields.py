"""The kinds of fields that a body has, each with the JSON Schema of exactly what it takes."""

from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StrictBool,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

EXACT = 2**53  # the last whole number up to which a double is exact
LARGEST_SINGLE = 3.4028235e38  # what Ollama keeps a fraction in; beyond it is infinite there

# U+0000 is refused wherever it stands, so no pattern lets it through.
ANY_TEXT = r"^[^\u0000]*$"
NOT_BLANK = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"

MOST_FIELDS = 64  # of one object of ours; each that is not known is a mistake of its own, and all would be collected

CLOSED = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)
"""Fields of these names and types and no others."""
OPEN = ConfigDict(
    strict=True,
    extra="allow",
    hide_input_in_errors=True,
    json_schema_extra={"maxProperties": MOST_FIELDS, "propertyNames": {"pattern": ANY_TEXT}},
)
"""Fields of these types, and any others as they are."""

NOT_EMPTY = "it must be a text, and an empty one would end every answer at once"

Item = TypeVar("Item")


class _Few:
    """An object that is looked into only if it has few fields."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        it = handler(source)
        few = core_schema.custom_error_schema(
            core_schema.dict_schema(strict=True, max_length=MOST_FIELDS),
            custom_error_type="few",
            custom_error_message=f"it must be an object of at most {MOST_FIELDS} fields",
        )
        # Only the second is ever used: the first lets the specification describe the object itself.
        return core_schema.json_or_python_schema(it, core_schema.chain_schema([few, it]))


class _SomeText:
    """A text of one character at least. What is asked 50,000 times is better asked in Rust."""

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.custom_error_schema(
            core_schema.str_schema(strict=True, min_length=1), custom_error_type="empty", custom_error_message=NOT_EMPTY
        )


Object = Annotated[Item, _Few()]
ListOf = Annotated[list[Item], Field(fail_fast=True)]
"""Such a list ends at its first mistake: one body may hold 50,000."""


class Fields(BaseModel):
    """The fields of what a body holds once; what it may hold many times is a TypedDict, which costs a fifth."""

    model_config = CLOSED
    refused: ClassVar[frozenset[str]] = frozenset()
    """Fields that Ollama knows and that are refused here; null, which is the same as absent, is not."""

    @model_validator(mode="before")
    @classmethod
    def _few_and_without_nulls_of_refused(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        if len(value) > MOST_FIELDS:
            raise PydanticCustomError("few", "it must be an object of at most 64 fields")
        return {name: each for name, each in value.items() if each is not None or name not in cls.refused}


def _cut(value: Any) -> Any:
    """Cut a fraction off, as Ollama does."""
    return int(value) if type(value) is float else value


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "it must hold more than white space")
    return text


def _in_a_list(value: Any) -> Any:
    if value == "":
        raise PydanticCustomError("empty", NOT_EMPTY)
    return [value] if isinstance(value, str) else value


def _kept_alive(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise PydanticCustomError("keep_alive", "it must be a number or a string")
    return value


def _is_false(value: bool) -> bool:
    if value:
        raise PydanticCustomError("no", "only false is accepted")
    return value


Text = Annotated[str, WithJsonSchema({"type": "string", "pattern": ANY_TEXT})]
SomeText = Annotated[str, AfterValidator(_not_blank), WithJsonSchema({"type": "string", "pattern": NOT_BLANK})]
JSONObject = Annotated[dict[str, Any], WithJsonSchema({"$comment": "JSONObject"})]
Whole = Annotated[
    int,
    Field(ge=-EXACT, le=EXACT),
    BeforeValidator(_cut),
    WithJsonSchema({"type": "number", "minimum": -EXACT, "maximum": EXACT}),
]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Single = Annotated[float, Field(allow_inf_nan=False, ge=-LARGEST_SINGLE, le=LARGEST_SINGLE)]
Stops = Annotated[
    ListOf[Annotated[str, _SomeText()]],
    BeforeValidator(_in_a_list),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": ANY_TEXT, "minLength": 1},
                {"type": "array", "items": {"type": "string", "pattern": ANY_TEXT, "minLength": 1}},
            ]
        }
    ),
]
KeepAlive = Annotated[
    Any,
    BeforeValidator(_kept_alive),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": ANY_TEXT}]}),
]

# What a field of Ollama's holds that says nothing: its Go types write such values where nobody asked for anything.
NEUTRAL = "Ignored, as Ollama's own types write it."
NoText = Annotated[Literal[""], Field(description=NEUTRAL)]
NoList = Annotated[list[Any], Field(max_length=0, description=NEUTRAL)]
No = Annotated[StrictBool, AfterValidator(_is_false), WithJsonSchema({"const": False, "description": NEUTRAL})]
Zero = Annotated[float, Field(ge=0, le=0, description=NEUTRAL)]
Ignored = Annotated[StrictBool, Field(description="Ignored: a prompt longer than the context is refused, never cut.")]
