"""A value that fits a JSON schema, for answers whose `format` is one."""

from typing import Any

_TYPES = ("string", "integer", "number", "boolean", "null", "array", "object")
_DEEPEST = 32


class Unreadable(Exception):
    """The model server cannot make a grammar of the schema; the text is llama-server's."""


class UnknownType(Unreadable):
    """JSON Schema has no such type."""

    def __init__(self, kind: object) -> None:
        super().__init__(f"unrecognized type {kind}")


class DeadReference(Unreadable):
    """The schema refers to a place that it does not have."""

    def __init__(self, reference: str, step: str) -> None:
        super().__init__(f"cannot resolve $ref {reference}, {step} not found")


def example(schema: Any, root: Any = None, depth: int = 0) -> Any:  # noqa: C901, PLR0911, PLR0912 (one case a keyword)
    """Make up a value.

    Raises:
        Unreadable: an unknown type or a reference to nowhere.
    """
    root = schema if root is None else root
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return None
    if "$ref" in schema:
        return example(_resolved(str(schema["$ref"]), root), root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if schema.get(choice):
            return example(schema[choice][0], root, depth + 1)
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        kind = kind[0] if kind else "object"
    match kind:
        case "string":
            return "simulated"[: max(1, int(schema.get("maxLength", 9)))].ljust(int(schema.get("minLength", 0)), ".")
        case "integer":
            return int(schema.get("minimum", 7))
        case "number":
            return schema.get("minimum", 0.5)
        case "boolean":
            return True
        case "null":
            return None
        case "array":
            return [example(schema.get("items", {"type": "string"}), root, depth + 1)] * int(schema.get("minItems", 1))
        case "object":
            properties = schema.get("properties") or {}
            return {name: example(each, root, depth + 1) for name, each in properties.items()}
        case _:
            raise UnknownType(kind)


def _resolved(reference: str, root: Any) -> Any:
    found = root
    for step in reference.removeprefix("#").split("/")[1:]:
        if not isinstance(found, dict) or step not in found:
            raise DeadReference(reference, step)
        found = found[step]
    return found
