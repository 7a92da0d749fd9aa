"""JSON values of a body: how many, how deep and which there may be, so that nothing that looks at each takes long."""

from collections.abc import Iterator
from typing import Any

from proxy.errors import InvalidJSON, InvalidRequest

MOST = 50_000  # objects, lists, texts, numbers, true, false and null of a body, without the names of its fields
DEEPEST = 100  # objects and lists that stand in one another
LARGEST = 2**1024  # and beyond: more than a double can hold
SLICE = 16 * 1024  # bytes looked at in one go, so that another thread has its turn between two of them
OPENS = (b"[", b"{")
EMPTY = (b"[]", b"{}")

Path = tuple[str | int, ...]


def excess(data: bytes) -> int | None:
    """Say after how many bytes there are more than MOST values; None where there are not.

    Reading a megabyte of empty lists takes a tenth of a second, in which no other thread of Python runs. So they are
    counted first, from what stands outside of texts: as many as there are commas, and one more for each list and object
    that is not empty. For a body that is not JSON this is a guess.
    """
    pieces = [data[start : start + SLICE] for start in range(0, len(data), SLICE)]
    if sum(piece.count(b",") + sum(map(piece.count, OPENS)) for piece in pieces) < MOST:
        return None
    found, seen, last, rest, in_text = 1, 0, b"", b"", False
    for piece in pieces:
        seen += len(piece)
        text = rest + piece
        # A backslash at the end belongs to what follows, unless another one before it has it.
        rest = text[-1:] if (len(text) - len(text.rstrip(b"\\"))) % 2 else b""
        parts = text.removesuffix(rest).replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')
        bare = b'"'.join(parts[in_text::2]).translate(None, b" \t\r\n")
        in_text ^= len(parts) % 2 == 0
        bare = last + bare + b'"' * in_text
        found += bare.count(b",") + sum(map(bare.count, OPENS)) - sum(map(bare.count, EMPTY))
        last = bare[-1:] if bare[-1:] in OPENS else b""
        found -= len(last)  # it is counted with what follows
        if found > MOST:
            return seen
    return None


def too_many(value: Any) -> InvalidRequest:
    """Refuse a body of which this much was read before there were too many values."""
    name = next(reversed(value), None) if isinstance(value, dict) else None
    there = "" if name is None else f"; the field {dotted((name,))} goes beyond"
    message = f"The body holds more than {MOST} JSON values{there}. Send fewer."
    return InvalidRequest(message, param=None if name is None else dotted((name,)))


def check(value: Any) -> None:
    """Check what a body says. Raises InvalidJSON for one that is too deep, InvalidRequest for a text or number."""
    level = [value]
    for _ in range(DEEPEST):
        level = _below(value, level)
    if any(isinstance(each, dict | list) for each in level):
        message = f"The body nests deeper than {DEEPEST} levels. Send a flatter one."
        raise InvalidJSON(message)
    _below(value, level)


def _below(value: Any, level: list[Any]) -> list[Any]:
    """Give what stands one level deeper, names included. Raises InvalidRequest for what this level may not hold."""
    below: list[Any] = []
    for each in level:
        kind = type(each)
        if kind is str:
            if "\0" in each:
                raise _refusal(value)
        elif kind is dict:
            below += each
            below += each.values()
        elif kind is list:
            below += each
        elif (kind is int or kind is float) and not -LARGEST < each < LARGEST:
            raise _refusal(value)
    return below


def _refusal(value: Any) -> InvalidRequest:
    """Refuse a body for the first of its texts or numbers that it may not hold."""
    path, wrong = next(_unsound(value, ()))
    where = dotted(path)
    if isinstance(wrong, str):
        message = f"The text in {where} holds U+0000, which no model can read. Leave it out."
    else:
        message = f"The number in {where} is larger than a double can hold."
    return InvalidRequest(message, param=where)


def _unsound(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    match value:
        case str() if "\0" in value:
            yield path, value
        case int() | float() if not -LARGEST < value < LARGEST:
            yield path, value
        case dict():
            for name, each in value.items():
                yield from _unsound(name, (*path, name))
                yield from _unsound(each, (*path, name))
        case list():
            for index, each in enumerate(value):
                yield from _unsound(each, (*path, index))


def dotted(path: Path) -> str | None:
    """Name a field by its path, such as messages.0.content; None for the body itself."""
    return ".".join(map(str, path)).replace("\0", "\\u0000")[:200] if path else None
