"""What Go says of a JSON value that has another type than the field that it is for."""

from typing import Any

from .errors import Refused

_GO_NAMES = {str: "string", bool: "bool", int: "number", float: "number", list: "array", dict: "object"}


def go_name(value: Any) -> str:
    """What Go calls the value."""
    return _GO_NAMES[bool if isinstance(value, bool) else float if isinstance(value, float) else type(value)]


def mismatch(where: str, wanted: str, found: str) -> Refused:
    """The refusal of a field's value."""
    return Refused(400, f"json: cannot unmarshal {found} into Go struct field {where} of type {wanted}")


def typed(value: Any, found: str, where: str, wanted: str) -> Any:
    """The value, if it is what Go calls `found`.

    Raises:
        Refused: it is something else.
    """
    if go_name(value) != found:
        raise mismatch(where, wanted, go_name(value))
    return value
