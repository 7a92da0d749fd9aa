"""Coding agents as their makers publish them, each in a network whose only way out leads to the product."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.command import Command
from support.machine import program
from support.passage import passage
from support.readme import what_you_have

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "node_modules/.bin"
INSIDE = HERE / "inside.py"
PORT = 8000
"""Of the product as the agent sees it, and as the README has it: its network is its own, so that the port is free."""


@dataclass(frozen=True, kw_only=True)
class Agent:
    """One of them: how it is begun beyond the README's line for it, and by which calls it looks and changes."""

    name: str
    program: str
    more: str
    variables: Mapping[str, str]
    look: Callable[[Path], dict[str, Any]]
    change: Callable[[Path, str, str], dict[str, Any]]

    @property
    def path(self) -> Path:
        return PROGRAMS / self.program


CLAUDE_CODE = Agent(
    name="Claude Code",
    program="claude",
    more="--permission-mode acceptEdits --print",
    variables={
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "DISABLE_AUTOUPDATER": "1",
    },
    look=lambda file: {"name": "Read", "arguments": {"file_path": str(file)}},
    change=lambda file, old, new: {
        "name": "Edit",
        "arguments": {"file_path": str(file), "old_string": old, "new_string": new},
    },
)
CODEX = Agent(
    name="Codex",
    program="codex",
    more="--config analytics.enabled=false --config check_for_update_on_startup=false "
    "exec --skip-git-repo-check --dangerously-bypass-approvals-and-sandbox",
    variables={},
    look=lambda file: {"name": "exec_command", "arguments": {"cmd": f"cat {file}"}},
    change=lambda file, old, new: {"name": "exec_command", "arguments": {"cmd": f"sed -i s/{old}/{new}/ {file}"}},
)
AGENTS = (CLAUDE_CODE, CODEX)


def why_not(agent: Agent) -> str | None:
    """Why it cannot be tried here; None: it can."""
    if not agent.path.exists():
        return f"no {agent.program}; to have it: python -m local.clients agents"
    if not (unshare := program("unshare")):
        return "no unshare; on Debian: apt-get install util-linux"
    made = subprocess.run([unshare, *_flags(), "true"], capture_output=True, text=True, check=False)
    return f"no network of its own can be made here: {made.stderr.strip()}" if made.returncode else None


@contextlib.contextmanager
def employed(agent: Agent, folder: Path, port: int) -> Iterator[Callable[..., Command]]:
    """Give a way to set it to a task in `folder`; the product listens on `port` of this machine."""
    started: list[Command] = []
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        home, door = Path(short) / "home", Path(short) / "door"  # a socket's path has 107 bytes at most
        home.mkdir()
        listener.bind(str(door))
        listener.listen()

        def begin(task: str, *, model: str = "llama3.2") -> Command:
            path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
            variables = {"HOME": str(home), "PATH": path, **agent.variables}  # and nothing of who tests
            alone = ["unshare", *_flags(), "env", "-i", *(f"{name}={value}" for name, value in variables.items())]
            line = what_you_have()[agent.name].replace("llama3.2", model)
            words = ["bash", "-c", f'{line} {agent.more} "$0"', task]
            command = [*alone, sys.executable, str(INSIDE), str(door), str(PORT), *words]
            started.append(Command(command, folder, Path(short) / f"{len(started)}.log"))
            return started[-1]

        with passage(listener, lambda: socket.create_connection(("127.0.0.1", port))):
            try:
                yield begin
            finally:
                for each in started:
                    each.kill()


def _flags() -> list[str]:
    return ["--net"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--net"]
