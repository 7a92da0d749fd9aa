"""The worker's configuration: each field is the environment variable of its name in capitals.

`python -m worker.config` only checks it, so that supervisord does not start again and again what must end.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from promptqueue import check
from promptqueue.condition import DEFAULT_MODEL
from promptqueue.settings import Kind, integer, number, one_of, read_or_exit, urls, variable, word

# Bounds, so that a typing error does not overflow a clock, a column or one of Ollama's integers.
A_CENTURY = 36_500  # days
A_WEEK = 7 * 24 * 3600  # seconds
MOST_FAILURES = 1_000_000
MOST_TOKENS = 2**31 - 1
SHORTEST_FIRST_BYTE = 30  # seconds; Ollama itself needs 20 to replace a runner that stands still
LONGEST_PROBE = 10  # seconds; a loop that does not turn for 15 is taken for one that hangs
PATH_OF_AN_API = re.compile(
    r"/(api|v1)(/+(chat/completions|chat|completions|embed|embeddings|generate|messages|models|ps|pull|responses|show|tags"
    r"|version))?/*$"
)
"""What other programs want at the end of the address. A path before Ollama's own, such as a gateway's, is allowed."""
LONGEST_DRAIN = 24  # seconds; after 25 supervisord kills the worker, which would cost the prompt in hand an attempt


MOST_SLOTS = 64  # of a server
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class ServerUrl(NamedTuple):
    """Where an Ollama is, and how many prompts it answers at a time, where that is not the same for all."""

    url: str
    slots: int | None = None


def _server_urls(value: str) -> tuple[ServerUrl, ...]:
    found = tuple(_server_url(each) for each in urls("http", "https").read(value))
    if len({without_password(each.url) for each in found}) < len(found):
        raise ValueError
    return found


def _server_url(value: str) -> ServerUrl:
    parts, slots = urlsplit(value), re.fullmatch(r"|slots=([1-9][0-9]?)", urlsplit(value).query)
    if not slots or parts.fragment or len(value.split()) > 1 or PATH_OF_AN_API.search(parts.path):
        raise ValueError
    if "@" in parts.path:  # of a password with a slash, everything after it, which would be shown to everybody
        raise ValueError
    number = int(slots[1]) if slots[1] else None
    if (number or 0) > MOST_SLOTS:
        raise ValueError
    return ServerUrl(parts._replace(query="", path=parts.path.rstrip("/")).geturl(), number)


def _file(path: str) -> str:
    if not Path(path).is_file():
        raise ValueError
    return path


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings of worker and janitor; times are seconds unless the name says otherwise."""

    database_url: str = variable(
        "sqlite:///data/queue.db", Kind(check, "like sqlite:////data/queue.db or postgresql://user@host/database")
    )
    journal_mode: str = variable("auto", one_of("auto", "wal", "persist"))
    log_level: str = variable("info", one_of("debug", "info", "warning", "error"))
    retention_days: float = variable(30.0, number(0, A_CENTURY))
    lease_seconds: float = variable(15.0, number(1, 3600))
    max_failures: int = variable(3, integer(1, MOST_FAILURES))
    worker_concurrency: int = variable(1, integer(1, MOST_SLOTS))
    ollama_urls: tuple[ServerUrl, ...] = variable(
        (ServerUrl("http://127.0.0.1:11434"),),
        Kind(
            _server_urls,
            "addresses that begin with http:// or https:// and end before the path of an API, each of them once and "
            f"with a number of slots up to {MOST_SLOTS} if it has its own, like http://a:11434?slots=2,http://b:11434",
        ),
    )
    ollama_ca_file: str = variable("", Kind(_file, "a file that is there, with the certificates of those to trust"))
    ollama_model: str = variable(DEFAULT_MODEL, word("a model's name, such as llama3.2 or llama3.2:1b"))
    ollama_pull: str = variable("auto", one_of("auto", "never"))
    max_tokens: int = variable(2048, integer(1, MOST_TOKENS))
    probe_timeout: float = variable(5.0, number(0.1, LONGEST_PROBE))
    upstream_patience: float = variable(300.0, number(0, A_WEEK))
    connect_timeout: float = variable(5.0, number(0.1, A_WEEK))
    first_byte_timeout: float = variable(900.0, number(SHORTEST_FIRST_BYTE, A_WEEK))
    idle_timeout: float = variable(120.0, number(0.1, A_WEEK))
    prompt_timeout: float = variable(3600.0, number(0.1, A_WEEK))
    drain_seconds: float = variable(20.0, number(0, LONGEST_DRAIN))


def without_password(url: str) -> str:
    """Give a server's address as people may read it, the same for each spelling of its port."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2].lower().removesuffix(DEFAULT_PORTS[parts.scheme]).removesuffix(":")
    return parts._replace(netloc=address).geturl()


if __name__ == "__main__":
    read_or_exit(Config, os.environ)  # noqa: TID251 (an entry file)
