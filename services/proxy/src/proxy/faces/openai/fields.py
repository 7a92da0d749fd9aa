"""Bodies of OpenAI's protocol, checked: the fields that are known, by their types; all others are let be."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError, to_json

from proxy.asking import values
from proxy.asking.fields import JSONObject, Text
from proxy.calls.errors import InvalidAsked

MOST_PAIRS = 16  # of metadata, as OpenAI has it
LONGEST_KEY = 64  # characters
LONGEST_VALUE = 512  # characters
LARGEST_METADATA = 16 * 1024  # bytes of compact JSON; 16 of the longest pairs have 9,400 where they are ASCII
LIMITS = f"metadata may hold {MOST_PAIRS} pairs, of keys of {LONGEST_KEY} and values of {LONGEST_VALUE} characters."

READ = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)
"""Fields of these types, any others ignored; a field that is null is the same as absent."""

OBJECT = "it must be an object"
WORDS = {"dict_type": OBJECT, "model_type": OBJECT}
"""What pydantic says in words of Python, in those of JSON, by its own names of mistakes."""

AS_THEY_ARE = "words"  # the type of a mistake whose words are the whole message


class Fields(BaseModel):
    """The fields that are known of a body."""

    model_config = READ


Known = TypeVar("Known", bound=Fields)


def wrong(words: str) -> PydanticCustomError:
    """Refuse a field in these words."""
    return PydanticCustomError(AS_THEY_ARE, "{words}", {"words": words})


def only(is_fine: Callable[[Any], bool], words: str) -> AfterValidator:
    """Refuse, in these words, a value that is not fine."""

    def check(value: Any) -> Any:
        if not is_fine(value):
            raise wrong(words)
        return value

    return AfterValidator(check)


def _few(pairs: Any) -> Any:
    # First of all, for each of 45,000 values that are no texts would be a mistake of its own.
    if isinstance(pairs, Mapping) and len(pairs) > MOST_PAIRS:
        raise wrong(LIMITS)
    return pairs


def _short(pairs: dict[str, str]) -> dict[str, str]:
    if any(len(key) > LONGEST_KEY or len(value) > LONGEST_VALUE for key, value in pairs.items()):
        raise wrong(LIMITS)
    if len(to_json(pairs)) > LARGEST_METADATA:
        words = f"metadata may have {LARGEST_METADATA} bytes as compact JSON."
        raise wrong(words)
    return pairs


Metadata = Annotated[dict[str, Text], BeforeValidator(_few), AfterValidator(_short)]
Objects = Annotated[list[JSONObject], Field(fail_fast=True)]
"""A list of objects that are looked at one by one; it ends at its first mistake."""


def checked(model: type[Known], value: Any, at: str | None = None) -> Known:
    """Read the fields that are known of an object, which is any JSON and stands at this path. Raises InvalidAsked."""
    if not isinstance(value, Mapping):
        message = "The body must be a JSON object." if at is None else f"The field {at} must be an object."
        raise InvalidAsked(message, param=at)
    try:
        return model.model_validate(value)
    except ValidationError as errors:
        raise _refusal(errors, () if at is None else (at,)) from None


def _refusal(errors: ValidationError, at: tuple[str, ...]) -> InvalidAsked:
    error = errors.errors(include_url=False, include_input=False)[0]
    path = values.dotted((*at, *error["loc"]))
    if error["type"] == AS_THEY_ARE:
        return InvalidAsked(error["msg"], param=path)
    if error["type"] == "missing":
        return InvalidAsked(f"The field {path} is missing.", param=path)
    why = WORDS.get(error["type"]) or error["msg"][:1].lower() + error["msg"][1:]
    return InvalidAsked(f"The field {path} is not accepted: {why}.", param=path)
