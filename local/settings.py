"""The settings of `make run` and `make demo`: the environment's, and beneath them those of .env, as for Compose."""

from __future__ import annotations

import dataclasses
from io import StringIO
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import proxy.config
import worker.config
from dotenv import dotenv_values
from dotenv.parser import parse_stream
from worker.ollama.remedy import OF_CONTAINERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAMES = {
    field.name.upper() for each in (proxy.config.Config, worker.config.Config) for field in dataclasses.fields(each)
}
"""What a process of ours reads. Whatever else stands in .env is for Compose."""


class Misread(Exception):
    """A .env was not understood; the sentence says what to do."""


def merged(environment: Mapping[str, str], file: Path) -> tuple[dict[str, str], list[str]]:
    """Give the environment with the settings of `file` beneath it, and the names of those that were passed over.

    Passed over is what only containers know, so that a .env that is a copy of .env.example serves both. A variable of
    the environment wins, an empty one too. Raises Misread.
    """
    told = {name: value for name, value in _read(file).items() if name in NAMES and name not in environment}
    passed_over = [name for name, value in told.items() if _is_of_containers(name, value)]
    return {**environment, **{name: told[name] for name in told if name not in passed_over}}, passed_over


def _read(file: Path) -> dict[str, str]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except OSError as error:
        message = f"{file} cannot be read ({error.strerror}): make it readable, or remove it."
        raise Misread(message) from None
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        message = f"{file} is no text in UTF-8: save it as such."
        raise Misread(message)
    for binding in parse_stream(StringIO(text)):
        if binding.error:  # which may hold a password: only its place is told
            message = f"Line {binding.original.line} of {file} is not understood: expected is NAME=value."
            raise Misread(message)
    values = dotenv_values(stream=StringIO(text))
    return {name: value for name, value in values.items() if value is not None}


def _is_of_containers(name: str, value: str) -> bool:
    match name:
        case "DATABASE_URL":
            return value.startswith("sqlite:////data/")
        case "OLLAMA_URLS":
            return any(_host(each) in OF_CONTAINERS for each in value.split(","))
        case _:
            return False


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # told by whoever reads the setting
        return None
