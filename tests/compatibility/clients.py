"""The clients, and what each of them can be asked. A client is written once; cases are written once for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Face(StrEnum):
    """The protocol that a client speaks."""

    OLLAMA = "ollama"
    OPENAI = "openai"
    RESPONSES = "responses"
    ANTHROPIC = "anthropic"


class Retries(StrEnum):
    """What a client does by itself where a call failed."""

    NEVER = "never"
    TWICE = "twice, unless it is told not to"
    ALWAYS = "twice, whatever it is told"


@dataclass(frozen=True, kw_only=True)
class Client:
    """One client. `process` is the program that it runs in: see runtime.py."""

    name: str
    face: Face
    process: str
    package: str  # and its version's key
    retries: Retries = Retries.NEVER
    is_official: bool = True
    can: frozenset[str] = field(default_factory=frozenset)

    def __str__(self) -> str:
        return self.name


ALL = frozenset({"tools", "schema"})
CATALOGUE = frozenset({"list", "show"})
EVERYTHING = ALL | CATALOGUE
OLLAMA = EVERYTHING | {"running", "pull", "embed", "delete", "generate"}


def _client(name: str, face: Face, process: str, package: str, can: frozenset[str], **more: object) -> Client:
    return Client(name=name, face=face, process=process, package=package, can=can, **more)  # type: ignore[arg-type]


TWICE = Retries.TWICE
CLIENTS: dict[str, Client] = {
    client.name: client
    for client in (
        _client("ollama-python", Face.OLLAMA, "official", "ollama", OLLAMA),
        _client("ollama-python-async", Face.OLLAMA, "official", "ollama", ALL | {"leave"}),
        _client("ollama-js", Face.OLLAMA, "node", "npm ollama", OLLAMA | {"leave"}),
        _client("ollama-go", Face.OLLAMA, "go", "github.com/ollama/ollama", OLLAMA | {"leave", "head", "version"}),
        _client(
            "openai-python", Face.OPENAI, "official", "openai", EVERYTHING | {"completions", "embed"}, retries=TWICE
        ),
        _client("openai-python-async", Face.OPENAI, "official", "openai", frozenset({"leave"}), retries=TWICE),
        _client("openai-python-responses", Face.RESPONSES, "official", "openai", ALL, retries=TWICE),
        _client(
            "openai-js",
            Face.OPENAI,
            "node",
            "npm openai",
            EVERYTHING | {"completions", "embed", "leave"},
            retries=TWICE,
        ),
        _client("openai-js-responses", Face.RESPONSES, "node", "npm openai", ALL | {"leave"}, retries=TWICE),
        _client("anthropic-python", Face.ANTHROPIC, "official", "anthropic", EVERYTHING | {"count"}, retries=TWICE),
        _client("anthropic-python-async", Face.ANTHROPIC, "official", "anthropic", frozenset({"leave"}), retries=TWICE),
        _client(
            "anthropic-js",
            Face.ANTHROPIC,
            "node",
            "npm @anthropic-ai/sdk",
            EVERYTHING | {"count", "leave"},
            retries=TWICE,
        ),
        _client("langchain-ollama", Face.OLLAMA, "frameworks", "langchain-ollama", ALL, is_official=False),
        _client(
            "langchain-openai", Face.OPENAI, "frameworks", "langchain-openai", ALL, retries=TWICE, is_official=False
        ),
        _client(
            "langchain-anthropic",
            Face.ANTHROPIC,
            "frameworks",
            "langchain-anthropic",
            ALL,
            retries=TWICE,
            is_official=False,
        ),
        _client("llamaindex", Face.OLLAMA, "frameworks", "llama-index-llms-ollama", frozenset(), is_official=False),
        _client("llm", Face.OLLAMA, "frameworks", "llm-ollama", frozenset(), is_official=False),
        _client("litellm-ollama", Face.OLLAMA, "litellm", "litellm", frozenset(), is_official=False),
        _client("litellm-openai", Face.OPENAI, "litellm", "litellm", frozenset(), retries=TWICE, is_official=False),
        _client("litellm-anthropic", Face.ANTHROPIC, "litellm", "litellm", frozenset(), is_official=False),
        _client("ai-ollama", Face.OLLAMA, "node", "npm ollama-ai-provider-v2", ALL | {"leave"}, retries=Retries.ALWAYS),
        _client(
            "ai-compatible",
            Face.OPENAI,
            "node",
            "npm @ai-sdk/openai-compatible",
            ALL | {"leave"},
            retries=Retries.ALWAYS,
        ),
        _client("ai-openai", Face.RESPONSES, "node", "npm @ai-sdk/openai", ALL | {"leave"}, retries=Retries.ALWAYS),
        _client(
            "ai-anthropic", Face.ANTHROPIC, "node", "npm @ai-sdk/anthropic", ALL | {"leave"}, retries=Retries.ALWAYS
        ),
    )
}


def those(*able: str, faces: tuple[Face, ...] = tuple(Face), processes: tuple[str, ...] | None = None) -> list[Client]:
    """Give the clients that can do all of this, of these faces and processes."""
    return [
        client
        for client in CLIENTS.values()
        if client.can.issuperset(able) and client.face in faces and (processes is None or client.process in processes)
    ]
