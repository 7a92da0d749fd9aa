"""Shapes: every body of the specification as JSON Schema, from the types that check submissions and build answers."""

from collections.abc import Iterator
from typing import Any, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

from promptqueue import wire
from pydantic import BaseModel, ConfigDict, create_model
from pydantic.json_schema import models_json_schema

from proxy.api import bodies
from proxy.asking.fields import ANY_TEXT
from proxy.asking.submission import Submission, names
from proxy.calls import accepted

JSON_VALUES: dict[str, Any] = {
    "JSONObject": {
        "type": "object",
        "description": "Any JSON object, up to a hundred levels deep.",
        "propertyNames": {"pattern": ANY_TEXT},
        "additionalProperties": {"$ref": "#/components/schemas/JSONValue"},
    },
    "JSONValue": {
        "description": "Any JSON value without U+0000 in its texts.",
        "anyOf": [
            {"type": ["null", "boolean", "number"]},
            {"type": "string", "pattern": ANY_TEXT},
            {"type": "array", "items": {"$ref": "#/components/schemas/JSONValue"}},
            {"$ref": "#/components/schemas/JSONObject"},
        ],
    },
}


def schemas(model: str) -> dict[str, Any]:
    """Give every shape by its name, with `model` as the one model that may be asked for."""
    _, together = models_json_schema(
        [(Submission, "validation"), *((each, "validation") for each in _answers())],
        ref_template="#/components/schemas/{model}",
    )
    shapes: dict[str, Any] = _linked(together["$defs"]) | JSON_VALUES
    submission = shapes["Submission"]
    submission["properties"]["model"] = {"enum": [*names(model), None]}
    # A field that is null is the same as absent, so one of the two must be there and not be null.
    submission["oneOf"] = [_asks("prompt", "messages"), _asks("messages", "prompt")]
    shapes["Message"]["if"] = {
        "properties": {"role": {"const": "assistant"}, "tool_calls": {"type": "array", "minItems": 1}},
        "required": ["tool_calls"],
    }
    shapes["Message"]["else"] = {"properties": {"content": {"type": "string"}}, "required": ["content"]}
    return shapes


def _answers() -> Iterator[type[BaseModel]]:
    """Give a model of every answer's body, for pydantic itself reads such TypedDicts only from Python 3.12 on."""
    made: dict[str, Any] = {}
    bodies_of_all = [each for module in (wire, accepted, bodies) for each in vars(module).values()]
    for body in dict.fromkeys(filter(is_typeddict, bodies_of_all)):
        fields: dict[str, Any] = {}
        for name, hint in get_type_hints(body, localns=made, include_extras=True).items():
            fields[name] = (get_args(hint)[0], None) if get_origin(hint) is NotRequired else (hint, ...)
        config = ConfigDict(extra="allow" if body is bodies.Answer else "forbid")
        made[body.__name__] = create_model(body.__name__, __doc__=body.__doc__, __config__=config, **fields)
        yield made[body.__name__]


def _linked(value: Any) -> Any:
    """Put references where the types say JSONObject: pydantic lets them refer to its own schemas alone."""
    match value:
        case {"$comment": "JSONObject"}:
            kept = {key: each for key, each in value.items() if key in ("title", "description")}
            return {**kept, "$ref": "#/components/schemas/JSONObject"}
        case dict():
            return {key: _linked(each) for key, each in value.items()}
        case list():
            return [_linked(each) for each in value]
        case _:
            return value


def _asks(field: str, other: str) -> dict[str, Any]:
    present = {"not": {"type": "null"}}
    return {"required": [field], "properties": {field: present, other: {"type": "null"}}}
