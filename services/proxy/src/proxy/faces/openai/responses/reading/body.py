"""The body of a request for a response: its fields, each by its type."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, StrictBool

from proxy.asking.fields import JSONObject, Text, Whole
from proxy.faces.openai.fields import Fields, Metadata, Objects, wrong
from proxy.faces.openai.sampling import Sampling


def _text_or_items(value: Any) -> Any:
    # Before pydantic does, which would speak of each type that it might have been.
    if not isinstance(value, list | str | None):
        raise wrong("The field input must be a text or a list of items.")
    if isinstance(value, list):
        for index, item in enumerate(value):
            if not isinstance(item, Mapping):
                raise wrong(f"The field input.{index} must be an object.")
    return value


def _text_or_object(value: Any) -> Any:
    if not isinstance(value, Mapping | str | None):
        raise wrong("The field tool_choice must be a text or an object.")
    return value


class TextField(Fields):
    """How the answer's text is to be."""

    format: JSONObject | None = None


class BackgroundOptions(Fields):
    """How a response in the background is worked on."""

    completion_window: Literal["soonest", "2h", "8h"] | None = None


class Body(Sampling):
    """What is asked, and how it is to be answered. Fields that only the answer repeats are looked at all the same."""

    model: Text | None = None
    input: Annotated[Text | Objects | None, BeforeValidator(_text_or_items)] = None
    instructions: Text | None = None
    previous_response_id: Text | None = None
    store: StrictBool | None = None
    stream: StrictBool | None = None
    background: StrictBool | None = None
    background_options: BackgroundOptions | None = None
    max_output_tokens: Whole | None = None
    top_logprobs: Whole | None = None
    tools: Objects | None = None
    tool_choice: Annotated[Text | JSONObject | None, BeforeValidator(_text_or_object)] = None
    text: JSONObject | None = None
    truncation: Literal["auto", "disabled"] | None = None
    reasoning: JSONObject | None = None
    metadata: Metadata | None = None
    service_tier: Text | None = None
    conversation: Any = None
    prompt: Any = None
    context_management: Any = None
    parallel_tool_calls: StrictBool | None = None
    max_tool_calls: Whole | None = None
    safety_identifier: Text | None = None
    prompt_cache_key: Text | None = None
