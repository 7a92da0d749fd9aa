"""The programs that clients run in: each reads cases and tells what came, one JSON a line."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support import ROOT
from support.machine import needed, unable
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from compatibility.clients import Client

HERE = Path(__file__).resolve().parent
CLIENTS = ROOT / ".venv/clients/bin"
SET_UP = "the clients are not set up: python -m local.clients"
BEGINS_WITHIN = 90.0  # seconds; a busy machine imports litellm in twenty
ENDS_WITHIN = 60.0  # seconds


def _python(*modules: str) -> list[str]:
    python = CLIENTS / "python"
    if not python.exists():
        unable(SET_UP)
    return [str(python), str(HERE / "python"), *modules]


def _node() -> list[str]:
    node = needed("node", package="nodejs")
    if not (HERE / "node/node_modules/openai").exists():
        unable(SET_UP)
    return [node, str(HERE / "node/driver.mjs"), "ollama", "openai", "anthropic", "ai"]


def _go() -> list[str]:
    if not (CLIENTS / "ollama-go").exists():
        needed("go", package="golang-go")
        unable(SET_UP)
    return [str(CLIENTS / "ollama-go")]


COMMANDS: dict[str, Callable[[], list[str]]] = {
    "official": lambda: _python("ollama", "openai", "anthropic"),
    "frameworks": lambda: _python("langchain", "llamaindex", "llm"),
    "litellm": lambda: _python("litellm"),
    "node": _node,
    "go": _go,
}


@dataclass(frozen=True)
class End:
    """What a client's caller got in the end: an answer, or an exception."""

    told: dict[str, Any]

    @property
    def text(self) -> str:
        return str(self.told.get("text") or "")

    @property
    def calls(self) -> list[dict[str, Any]]:
        return list(self.told.get("calls") or ())

    @property
    def data(self) -> Any:
        return self.told.get("data")

    @property
    def error(self) -> dict[str, Any] | None:
        return self.told.get("error")

    @property
    def kind(self) -> str | None:
        """The class of the exception."""
        return self.error and self.error["kind"]

    @property
    def status(self) -> int | None:
        """The status that the exception carries."""
        return self.error and self.error["status"]

    def as_cell(self, whole: str) -> str:
        """Say it in a word for a caller who was to get `whole`, or have an exception. `short` is what must never be."""
        if self.error:
            return f"`{self.kind}`"
        if self.text == whole:
            return "whole"
        return "short" if whole.startswith(self.text) else f"wrong: {self.text[:60]!r}"


@dataclass
class Talk:
    """One case that one client runs."""

    client: Client
    case: dict[str, Any]
    pieces: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    told: dict[str, Any] | None = None

    def end(self, within: float = ENDS_WITHIN) -> End:
        """Wait until it is over."""
        assert self.ended.wait(within), f"{self.client} still waits after {within} s: {self.case} {self.pieces}"
        assert self.told is not None
        return End(self.told)

    def until_text(self) -> None:
        """Wait until the client's caller has some text."""
        until(lambda: self.pieces or self.ended.is_set(), f"{self.client} has text")
        assert self.pieces, self.told


class Runtime:
    """A program that runs, with any number of talks at once."""

    def __init__(self, name: str) -> None:
        self._process = subprocess.Popen(COMMANDS[name](), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_quiet())
        self._talks: dict[int, Talk] = {}
        self._numbers = itertools.count(1)
        self._ready = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def begin(self, client: Client, case: dict[str, Any]) -> Talk:
        """Let a client run a case."""
        assert self._ready.wait(BEGINS_WITHIN), "the clients' program does not start"
        assert self._process.poll() is None, "the clients' program has ended"
        talk = Talk(client, case)
        number = next(self._numbers)
        self._talks[number] = talk
        self._write({"id": number, "client": client.name, **case})
        return talk

    def leave(self, talk: Talk) -> None:
        """Let the client give the call up, by its own means."""
        [number] = [number for number, each in self._talks.items() if each is talk]
        self._write({"id": number, "leave": True})

    def kill(self) -> None:
        """End the program and all its clients at once."""
        self._process.kill()
        self._process.wait()

    def _write(self, line: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(line).encode() + b"\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            told = json.loads(line)
            if told.get("ready"):
                self._ready.set()
            elif "piece" in told:
                self._talks[told["id"]].pieces.append(told["piece"])
            elif talk := self._talks.get(told["id"]):
                talk.told = told["end"]
                talk.ended.set()
        self._ready.set()  # for whoever waits: it has ended


class Runtimes:
    """Those that were started: each at its first use."""

    def __init__(self) -> None:
        self._running: dict[str, Runtime] = {}

    def of(self, client: Client) -> Runtime:
        if client.process not in self._running:
            self._running[client.process] = Runtime(client.process)
        return self._running[client.process]

    def prepare(self, clients: list[Client]) -> None:
        """Start what these clients need, all side by side."""
        for client in clients:
            self.of(client)

    def begin(self, client: Client, url: str, text: str, **case: Any) -> Talk:
        """Let a client ask at this address."""
        return self.of(client).begin(client, {"url": url, "text": text, "stream": True, **case})

    def leave(self, talk: Talk) -> None:
        self.of(talk.client).leave(talk)

    def stop(self) -> None:
        for runtime in self._running.values():
            runtime.kill()
        self._running.clear()


def _quiet() -> dict[str, str]:
    """Give an environment in which no client looks for anything beyond this machine."""
    return {
        **os.environ,
        "NO_PROXY": "127.0.0.1,localhost",  # httpx reads no address in brackets
        "no_proxy": "127.0.0.1,localhost",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LANGSMITH_TRACING": "false",
        "PYTHONWARNINGS": "ignore",
        "NODE_NO_WARNINGS": "1",
    }
