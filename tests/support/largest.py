"""The largest bodies, right ones and wrong ones, for every list and object that a specification lets clients send."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUES = 50_000  # of one body
FIELDS = 64  # of one object
SUBSCHEMAS = 500
BYTES = 1_000_000

Wrap = Callable[[Any], Any]

USER = {"role": "user", "content": "Why?"}
FREE: dict[str, Callable[[int], Any]] = {
    "names": lambda many: {f"{number:x}": 0 for number in range(many)},
    "empty lists": lambda many: {"a": [[]] * many},
    "empty objects": lambda many: {"a": [{}] * many},
    "lists of one": lambda many: {"a": [[0]] * (many // 2)},
    "objects of one": lambda many: {"a": [{"b": 0}] * (many // 2)},
    "texts": lambda many: {"a": ["b"] * many},
    "fractions": lambda many: {"a": [1.0] * many},
    "whole numbers": lambda many: {"a": [999_999_999] * many},
}
"""JSON of so many values that is nobody's but the client's."""


@dataclass(frozen=True, kw_only=True)
class Body:
    """A body; whether it is one that is accepted, and the field that it is about."""

    name: str
    data: bytes
    is_right: bool
    field: str


class Specification:
    """What is told of the bodies of one operation."""

    def __init__(self, document: dict[str, Any], path: str = "/api/v1/prompt") -> None:
        self._schemas = document["components"]["schemas"]
        self._body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]

    def bodies(self) -> list[Body]:
        """Give all of them."""
        return [self._largest(each) for each in self._of_object(self._body, "", lambda value: value)]

    # ---- finding lists and objects ----------------------------------------------------------------------------------

    def _of_object(self, schema: Any, at: str, wrap: Wrap) -> Iterator[tuple[str, Any, bool]]:
        """Give a name, a whole body, and whether it is right, for an object and all that it holds."""
        schema = self._resolved(schema)
        known = schema.get("properties", {})
        plain = self._plain(schema)
        if "properties" not in schema:  # free JSON
            yield from self._of_free(at, wrap)
            return
        yield f"{at}: unknown names", wrap({**plain, **dict.fromkeys(map(str, range(VALUES - 100)), 0)}), False
        yield (
            f"{at}: unknown names without end",
            wrap({**plain, **dict.fromkeys(map(str, range(BYTES // 12)), 0)}),
            False,
        )
        if schema.get("additionalProperties"):
            more = {str(number): 0 for number in range(FIELDS - len(plain))}
            yield f"{at}: as many fields as there may be", wrap({**plain, **more}), True
        for name, field in known.items():
            here = f"{at}.{name}".strip(".")

            def inside(value: Any, name: str = name, wrap: Wrap = wrap, plain: Any = plain, at: str = at) -> Any:
                others = {} if not at and name == "messages" else plain
                return wrap({**others, name: value})

            for option in self._options(field):
                yield from self._of_list(option, here, inside)
                if option.get("type") == "object":
                    yield f"{here}: no object", inside([0] * (VALUES - 100)), False
                    yield from self._of_object(option, here, inside)

    def _of_list(self, schema: Any, at: str, wrap: Wrap) -> Iterator[tuple[str, Any, bool]]:
        if schema.get("type") != "array":
            return
        yield f"{at}: wrong items", wrap([1] * (VALUES - 100)), False
        yield f"{at}: wrong items without end", wrap([1] * (BYTES // 3)), False
        yield f"{at}: empty lists without end", wrap([[]] * (BYTES // 4)), False
        if schema.get("maxItems") == 0:
            return
        item = self._sample(schema["items"])
        last = [USER] if at == "messages" else []
        yield f"{at}: right items", wrap([item] * ((VALUES - 100) // _size(item)) + last), True
        if self._resolved(schema["items"]).get("type") == "object":

            def inside(value: Any) -> Any:
                return wrap([value, *last])

            yield f"{at}: one wrong item after right ones", wrap([item] * ((VALUES - 100) // _size(item)) + [1]), False
            yield from self._of_object(schema["items"], f"{at}.0", inside)

    def _of_free(self, at: str, wrap: Wrap) -> Iterator[tuple[str, Any, bool]]:
        if at == "metadata":
            yield f"{at}: 4 KiB", wrap({"a": [0] * 2_000}), True
        elif at == "format":
            yield f"{at}: subschemas", wrap({"anyOf": [{}] * SUBSCHEMAS}), True
            yield f"{at}: names", wrap({"properties": {str(each): {} for each in range(SUBSCHEMAS)}}), True
            yield f"{at}: data", wrap({"enum": [0] * 30_000}), True
            yield f"{at}: required names", wrap({"required": [str(each) for each in range(7_000)]}), True
            yield f"{at}: too many subschemas", wrap({"allOf": [{}] * 21_000}), False
            yield f"{at}: too many names", wrap({"properties": {str(each): {} for each in range(6_000)}}), False
            yield f"{at}: names that no order has", wrap({"required": [0, {}] * 8_000}), False
        for name, made in FREE.items():
            yield f"{at}: {name}", wrap(made(VALUES - 100)), at not in ("metadata", "format")
            yield f"{at}: {name} without end", wrap(made(VALUES * 2)), False

    # ---- values that a schema takes ---------------------------------------------------------------------------------

    def _resolved(self, schema: Any) -> Any:
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        return schema

    def _options(self, schema: Any) -> list[Any]:
        return [self._resolved(each) for each in schema.get("anyOf", [schema])]

    def _sample(self, schema: Any) -> Any:
        schema = self._options(schema)[0]
        if "enum" in schema:
            return schema["enum"][0]
        if "const" in schema:
            return schema["const"]
        if schema["type"] == "object":
            return self._plain(schema)
        return {"array": [], "string": "a", "boolean": False}.get(schema["type"], 1)

    def _plain(self, schema: Any) -> dict[str, Any]:
        """Give an object with the fields that it must have."""
        needed = [*schema.get("required", []), *schema.get("else", {}).get("required", [])]
        needed += schema["oneOf"][0]["required"] if "oneOf" in schema else []
        return {name: self._sample(schema["properties"][name]) for name in needed}

    def _largest(self, found: tuple[str, Any, bool]) -> Body:
        name, value, is_right = found
        data = json.dumps(value, separators=(",", ":")).encode()
        return Body(name=name.lstrip(":").strip(), data=data, is_right=is_right, field=name.partition(":")[0])


def _size(value: Any) -> int:
    """Count the values in one, itself included."""
    match value:
        case dict():
            return 1 + sum(map(_size, value.values()))
        case list():
            return 1 + sum(map(_size, value))
        case _:
            return 1
