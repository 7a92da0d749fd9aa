"""Arrays as the server reads them. psycopg would look at each item by itself, which takes as long as all else."""

from collections.abc import Iterable


def array(values: Iterable[float | bool | str | None]) -> str:
    """Write an array of numbers, truth values or texts, to be cast where it is used: `%(name)s::text[]`."""
    return f"{{{','.join(map(_item, values))}}}"


def _item(value: float | bool | str | None) -> str:
    if value is None:
        return "NULL"
    if not isinstance(value, str):
        return repr(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
