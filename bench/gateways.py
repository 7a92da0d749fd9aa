"""Gateways that pass calls on and keep them in memory at most: those whose programs are on the PATH."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.ports import free_port
from support.waiting import until

from bench.clients import Connection, Unexpected
from bench.dialects import CHAT_COMPLETIONS, GENERATE, MODEL, Dialect
from bench.measurement import Absent, CannotRun, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from simulator.client import Simulator

    from bench.measurement import Taken
    from bench.workbench import Workbench

NOTHING = "none: what waits is lost when it ends"


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """One that runs: where it takes calls, and in which words."""

    url: str
    dialect: Dialect


@dataclass(frozen=True, kw_only=True)
class Program:
    """How one is started: what it is told, and how it is asked."""

    name: str
    command: Callable[[Path, int, str], list[str]]
    dialect: Dialect = GENERATE
    durability: str = NOTHING
    repeats: int | None = None  # fewer where its start takes long


def _olla(folder: Path, port: int, url: str) -> list[str]:
    limits = dict.fromkeys(("global_requests_per_minute", "per_ip_requests_per_minute"), 1_000_000)
    endpoint = {"url": url, "name": "bench", "type": "ollama", "priority": 100, "check_interval": "2s"}
    written = {
        "server": {"host": "127.0.0.1", "port": port, "rate_limits": {**limits, "burst_size": 100_000}},
        "discovery": {"type": "static", "static": {"endpoints": [endpoint]}},
    }
    (folder / "olla.yaml").write_text(json.dumps(written))  # JSON is YAML
    return ["olla", "--config", str(folder / "olla.yaml")]


def _ollama_mq(folder: Path, port: int, url: str) -> list[str]:
    (folder / "appconf.yaml").write_text("backends: []\nmodels: []\n")
    options = {"--port": str(port), "--model-config": str(folder / "appconf.yaml"), "--backend-urls": url}
    return ["ollamaMQ", "--no-tui", *[word for option in options.items() for word in option]]


def _litellm(folder: Path, port: int, url: str) -> list[str]:
    backend = {"model": f"ollama_chat/{MODEL}", "api_base": url}
    written = {
        "model_list": [{"model_name": MODEL, "litellm_params": backend}],
        "general_settings": {"dangerously_permit_weak_or_unset_master_key": True},  # it serves this run alone
    }
    (folder / "litellm.yaml").write_text(json.dumps(written))
    return ["litellm", "--config", str(folder / "litellm.yaml"), "--host", "127.0.0.1", "--port", str(port)]


PROGRAMS = (
    Program(name="olla", command=_olla, dialect=GENERATE.at("/olla/ollama/api/generate")),
    Program(name="ollamaMQ", command=_ollama_mq),
    Program(name="litellm", command=_litellm, dialect=CHAT_COMPLETIONS, repeats=1),
)
STARTED_WITHIN = 90.0  # seconds


def sides(bench: Workbench, server: Simulator, take: Callable[[Gateway], Taken]) -> list[Side | Absent]:
    """Give a side for each that is there; it runs only while it is measured."""

    def side(program: Program) -> Side | Absent:
        if shutil.which(program.name) is None:
            return Absent(name=program.name, why=f"{program.name} is not on the PATH")

        def measured() -> Taken:
            with _running(program, bench.new_folder(), server.url) as gateway:
                return take(gateway)

        return Side(name=program.name, take=measured, durability=program.durability, repeats=program.repeats)

    return [side(program) for program in PROGRAMS]


@contextmanager
def _running(program: Program, folder: Path, url: str) -> Iterator[Gateway]:
    port = free_port()
    command = program.command(folder, port, url)
    here = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        if process.poll() is not None:
            message = f"it ended at once: {(folder / 'log').read_text()[-200:]}"
            raise CannotRun(message)
        try:
            with Connection(here) as connection:
                connection.ask("POST", program.dialect.path, program.dialect.body(stream=False))
        except (OSError, Unexpected):
            return False
        return True

    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    with process:
        try:
            try:
                until(answers, f"{program.name} answers a call", STARTED_WITHIN)
            except AssertionError as late:
                raise CannotRun(str(late)) from None
            yield Gateway(url=here, dialect=program.dialect)
        finally:
            process.kill()
