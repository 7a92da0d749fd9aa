"""Configuration from environment variables: a frozen dataclass whose fields say what they accept.

A library would do it, and cost each of the worker's processes 8 MB or more of the 80 that they have together.
"""

import dataclasses
import math
import re
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

Config = TypeVar("Config")


class Misconfigured(Exception):
    """Variables with wrong values: a sentence for each, with its name, its value and what is expected."""


class Unserved(ValueError):
    """A value that is understood and cannot be served by this installation: a sentence that says what to do."""


@dataclass(frozen=True)
class Kind:
    """What a variable accepts: how its text is read, and how to say what is expected."""

    read: Callable[[str], Any]
    expected: str


def variable(default: Any, kind: Kind) -> Any:
    """Declare a field whose variable is the field's name in capitals; unset or empty means `default`."""
    return field(default=default, metadata={"kind": kind})


def read(config: type[Config], environ: Mapping[str, str]) -> Config:
    """Read a config from the environment. Raises Misconfigured with every problem at once."""
    values, problems = {}, []
    for each in dataclasses.fields(config):  # type: ignore[arg-type]  # any dataclass: mypy has no name for that
        name = each.name.upper()
        text = environ.get(name, "").strip()
        if not text:
            continue
        kind: Kind = each.metadata["kind"]
        try:
            values[each.name] = kind.read(text)
        except Unserved as unserved:
            problems.append(f"{name}: {unserved}")
        except ValueError:
            problems.append(f"{name} must be {kind.expected}, got {without_secrets(text)!r}.")
    if problems:
        raise Misconfigured("\n".join(problems))
    return config(**values)


def read_or_exit(config: type[Config], environ: Mapping[str, str]) -> Config:
    """Read a config, or end the process with the problems on standard error and exit code 2."""
    try:
        return read(config, environ)
    except Misconfigured as problems:
        print(problems, file=sys.stderr)  # noqa: T201 (the process ends before it has a log)
        sys.exit(2)


def without_secrets(text: str) -> str:
    """Return a text that may be an address without the user and password that it may hold."""
    text = re.sub(r"([?&](?:ssl)?password=)[^&]*", r"\1…", text)
    held = re.match(r"(\s*[\w+.-]+:/+)?(.*)@", text, re.DOTALL)
    if not held or not (held[1] or ":" in held[2]):
        return text
    return f"{held[1] or ''}…@{text[held.end() :]}"


def word(expected: str) -> Kind:
    """A text without white space."""

    def parse(value: str) -> str:
        if len(value.split()) > 1:
            raise ValueError
        return value

    return Kind(parse, expected)


def address() -> Kind:
    """An address of this machine that a server can listen at, or its name; IPv6 with or without brackets."""

    def parse(value: str) -> str:
        value = value.removeprefix("[").removesuffix("]")
        try:
            socket.getaddrinfo(value, None, flags=socket.AI_PASSIVE)
        except (OSError, UnicodeError):
            raise ValueError from None
        return value

    return Kind(parse, "an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all")


def integer(at_least: int = 0, at_most: int | None = None) -> Kind:
    """A whole number within bounds."""
    return _bounded(int, "a whole number", at_least, at_most)


def number(at_least: float = 0, at_most: float | None = None) -> Kind:
    """A number within bounds, such as seconds or days."""
    return _bounded(float, "a number", at_least, at_most)


def one_of(*choices: str) -> Kind:
    """One of these words, in any case."""

    def parse(value: str) -> str:
        if value.lower() not in choices:
            raise ValueError
        return value.lower()

    return Kind(parse, f"one of {', '.join(choices)}")


def urls(*schemes: str) -> Kind:
    """Addresses with one of these schemes, separated by commas."""

    def parse(value: str) -> tuple[str, ...]:
        found = tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
        if not found or not all(_is_address(url, schemes) for url in found):
            raise ValueError
        return found

    return Kind(parse, f"one or more addresses that begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")


def _is_address(url: str, schemes: tuple[str, ...]) -> bool:
    parts = urlsplit(url)
    return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0  # .port raises ValueError itself


def _bounded(convert: Callable[[str], float], what: str, at_least: float, at_most: float | None) -> Kind:
    def parse(text: str) -> float:
        value = convert(text)
        if not at_least <= value <= (math.inf if at_most is None else at_most) or value == math.inf:
            raise ValueError
        return value

    bounds = f"of at least {at_least}" if at_most is None else f"from {at_least} to {at_most}"
    return Kind(parse, f"{what} {bounds}")
