"""JSON Schemas that clients send as a `format`: whether they are any."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

LARGEST = 64 * 1024
"""Bytes of compact JSON: checking takes some 7 µs a byte, and no grammar of that size serves a model."""


def problem(value: dict[str, Any]) -> str | None:
    """Say why this is no JSON Schema of draft 2020-12; None if it is one."""
    # Imported on first use: it takes 10 MB that most processes never need.
    from jsonschema import Draft202012Validator, SchemaError  # noqa: PLC0415

    if len(to_json(value)) > LARGEST:
        return f"it is larger than {LARGEST} bytes"
    try:
        Draft202012Validator.check_schema(value)
    except SchemaError as error:
        where = ".".join(map(str, error.absolute_path))
        return f"{where or 'the schema'} is not as it may be"
    except RecursionError:
        return "it nests too deeply"
    return None
