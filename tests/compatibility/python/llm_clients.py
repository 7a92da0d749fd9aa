"""The program `llm` with its plugin for Ollama, as somebody runs it in a terminal."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from asked import told

PROGRAM = Path(sys.executable).parent / "llm"


class Failed(Exception):
    """It ended with an error."""


def run(case, say):
    command = (
        ["models"] if case.get("do") == "list" else ["-m", case.get("model", "ollama/llama3.2:latest"), case["text"]]
    )
    if not case["stream"] and case.get("do") != "list":
        command.append("--no-stream")
    with tempfile.TemporaryDirectory() as folder:
        own = {"OLLAMA_HOST": case["url"], "LLM_USER_PATH": folder, "XDG_CACHE_HOME": folder}
        program = subprocess.Popen(
            [PROGRAM, *command],
            env={**os.environ, **own},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        text = b""
        while piece := os.read(program.stdout.fileno(), 65536):
            text += piece
            say(piece.decode(errors="replace"))
        complaint = program.stderr.read().decode()
    if program.wait():
        raise Failed(complaint.strip())
    return told(text.decode().removesuffix("\n"))


CLIENTS = {"llm": run}
