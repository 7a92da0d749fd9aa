"""JSON Schemas that clients send as a `format`: whether they are schemas, by draft 2020-12's own description of itself.

One table instead of a validator: a general one takes half a millisecond a subschema, seconds for lists made for it.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from pydantic_core import to_json

LARGEST = 64 * 1024  # bytes of compact JSON: no grammar of that size serves a model
MOST_SUBSCHEMAS = 500  # all schemas below the outermost, `true` and `false` among them
LONGEST_PATH = 200  # characters of a place in the schema, as an error names it

TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
ANCHOR = re.compile(r"[A-Za-z_][-A-Za-z0-9._]*")
Path = tuple[str | int, ...]


class _Wrong(Exception):
    """What stands at `path` is not allowed, or goes beyond a limit, which `says` names."""

    def __init__(self, path: Path, says: str = "is not allowed there") -> None:
        where = ".".join(map(str, path))[:LONGEST_PATH] or "the schema"
        super().__init__(f"{where} {says}")


def problem(value: dict[str, Any]) -> str | None:
    """Say why this is not a JSON Schema of draft 2020-12, or is too large; None if it is fine."""
    if len(to_json(value)) > LARGEST:
        return f"it is larger than {LARGEST} bytes"
    left: list[tuple[Path, Any]] = [((), value)]
    found = 0
    try:
        while left:
            for below in _below(*left.pop()):
                found += 1
                if found > MOST_SUBSCHEMAS:
                    return f"it has more than {MOST_SUBSCHEMAS} subschemas"
                left.append(below)
    except _Wrong as wrong:
        return str(wrong)
    return None


def _below(path: Path, schema: Any) -> Iterator[tuple[Path, Any]]:
    """Give the schemas that stand directly in this one. Raises _Wrong for a keyword whose value is not allowed."""
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise _Wrong(path)
    for name, value in schema.items():
        here = (*path, name)
        if name in ONE:
            yield here, value
        elif name in SEVERAL:
            if not isinstance(value, list) or not value:
                raise _Wrong(here)
            yield from (((*here, index), each) for index, each in enumerate(value))
        elif name in NAMED:
            if not isinstance(value, dict):
                raise _Wrong(here)
            # Draft 7 wrote lists of names here, and 2020-12 lets them be.
            lists = name == "dependencies"
            yield from (((*here, key), each) for key, each in value.items() if not (lists and _names(each)))
        elif name in HOLDS and not HOLDS[name](value):
            raise _Wrong(here)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _list(value: Any) -> bool:
    return isinstance(value, list)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _count(value: Any) -> bool:
    return _number(value) and value >= 0 and value % 1 == 0


def _names(value: Any) -> bool:
    return _list(value) and all(map(_text, value)) and len(set(value)) == len(value)


def _types(value: Any) -> bool:
    return value in TYPES if _text(value) else _names(value) and bool(value) and TYPES.issuperset(value)


ONE = frozenset(
    {
        "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames", "then",
        "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip
"""Keywords that hold a schema."""
SEVERAL = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
"""Keywords that hold a list of schemas, one at least."""
NAMED = frozenset({"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"})
"""Keywords that hold schemas by their names."""
HOLDS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("deprecated", "readOnly", "uniqueItems", "writeOnly"), _flag),
    **dict.fromkeys(("enum", "examples"), _list),
    **dict.fromkeys(("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum"), _number),
    **dict.fromkeys(
        (
            "maxContains", "maxItems", "maxLength", "maxProperties", "minContains", "minItems", "minLength",
            "minProperties",
        ),
        _count,
    ),
    **dict.fromkeys(
        (
            "$comment", "$dynamicRef", "$recursiveRef", "$ref", "$schema", "contentEncoding", "contentMediaType",
            "description", "format", "pattern", "title",
        ),
        _text,
    ),
    **dict.fromkeys(
        ("$anchor", "$dynamicAnchor", "$recursiveAnchor"),
        lambda value: _text(value) and ANCHOR.fullmatch(value) is not None,
    ),
    "$id": lambda value: _text(value) and "#" not in value[:-1],  # a fragment, if there is one, is empty
    "$vocabulary": lambda value: isinstance(value, dict) and all(map(_flag, value.values())),
    "dependentRequired": lambda value: isinstance(value, dict) and all(map(_names, value.values())),
    "multipleOf": lambda value: _number(value) and value > 0,
    "required": _names,
    "type": _types,
}  # fmt: skip
"""What other keywords may hold; those that are not named here may hold anything."""
