"""The kinds of fields that a body has, each with the JSON Schema that tells exactly what it takes."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

EXACT = 2**53  # the last whole number up to which a double is exact
LARGEST_SINGLE = 3.4028235e38  # what Ollama keeps a fraction in; beyond it is infinite there

# U+0000 is refused wherever it stands, so no pattern lets it through.
ANY_TEXT = r"^[^\u0000]*$"
NOT_BLANK = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"


class Fields(BaseModel):
    """Fields of these names and types and no others."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)
    refused: ClassVar[frozenset[str]] = frozenset()
    """Fields that Ollama knows and that are refused here; null, which is as good as absent, is not."""

    @model_validator(mode="before")
    @classmethod
    def _without_nulls_of_refused(cls, value: Any) -> Any:
        if not cls.refused or not isinstance(value, dict):
            return value
        return {name: each for name, each in value.items() if each is not None or name not in cls.refused}


class OpenFields(BaseModel):
    """Fields of these types, and any others as they are."""

    model_config = ConfigDict(
        strict=True,
        extra="allow",
        hide_input_in_errors=True,
        json_schema_extra={"$comment": "OpenFields", "propertyNames": {"pattern": ANY_TEXT}},
    )


def _cut(value: Any) -> Any:
    """Cut a fraction off, as Ollama does."""
    return int(value) if type(value) is float else value


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "it must hold more than white space")
    return text


def _not_empty(text: str) -> str:
    if not text:
        raise PydanticCustomError("empty", "an empty text would end every answer at once")
    return text


def _in_a_list(value: Any) -> Any:
    return [_not_empty(value)] if isinstance(value, str) else value


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
    list[Annotated[str, AfterValidator(_not_empty)]],
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
