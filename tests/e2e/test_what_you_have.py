"""Each line by which the README tells other programs where the product is, said to those programs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT
from support.machine import needed, program, unable
from support.readme import what_you_have
from support.stack import Stack

ADDRESS = "localhost:8000"
CLIENTS = ROOT / ".venv/clients/bin/python"
NODE = ROOT / "tests/compatibility/node"
AGENTS = ("Claude Code", "Codex")  # tests/agents begins them so
NOT_HERE = ("Open WebUI", "n8n", "Home Assistant")  # they are set up by hand
LINES = what_you_have()
COMMANDS = {"curl": "curl", "the `ollama` command": "ollama"}
PYTHON = [name for name in LINES if name.startswith("Python")]
JAVASCRIPT = [name for name in LINES if name.startswith("JavaScript")]


def said(name: str, stack: Stack) -> str:
    return LINES[name].replace(ADDRESS, f"127.0.0.1:{stack.port}")


def package(name: str) -> str:
    [found] = re.findall(r"`(.+)`", name)
    return str(found)


def run(*words: str, folder: Path = ROOT) -> str:
    done = subprocess.run(words, cwd=folder, env=os.environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_answered(name: str, stack: Stack) -> None:
    if not program(COMMANDS[name]):
        pytest.skip(f"no {COMMANDS[name]}")

    assert "Simulated" in run("bash", "-c", said(name, stack))


@pytest.mark.parametrize("name", PYTHON)
def test_a_package_of_python_is_answered(name: str, stack: Stack) -> None:
    interpreter = sys.executable
    if package(name).startswith("langchain"):
        if not (ROOT / ".venv/clients-python.stamp").exists():
            unable("the clients are not set up: python -m local.clients")
        interpreter = str(CLIENTS)

    assert "Simulated" in run(interpreter, "-c", f"import {package(name)}\nprint({said(name, stack)})")


@pytest.mark.parametrize("name", JAVASCRIPT)
def test_a_package_of_javascript_is_answered(name: str, stack: Stack) -> None:
    node = needed("node", package="nodejs")
    if not (NODE / "node_modules" / package(name)).exists():
        unable("the clients are not set up: python -m local.clients")
    known_as = "sdk" if package(name).endswith("sdk") else package(name)
    script = f'import * as {known_as} from "{package(name)}"; console.log({said(name, stack)})'

    assert "Simulated" in run(node, "--input-type=module", "--eval", script, folder=NODE)


def test_every_line_is_said_by_a_test_or_by_hand() -> None:
    rows = (ROOT / "README.md").read_text().partition("| you have | it is told |")[2].partition("\n\n")[0]
    named = set(re.findall(r"^\| ([^|]+) \|", rows, re.MULTILINE)) - {"---"}

    assert named == {*COMMANDS, *PYTHON, *JAVASCRIPT, *AGENTS, *NOT_HERE}
