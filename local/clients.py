"""Set up the clients that the tests of compatibility ask through, as their makers publish them: of Python, npm and Go.

Those of Python have an environment of their own, .venv/clients: what they need decides nothing for ours. What cannot be
had is named, and the tests that want it say so themselves. Does nothing when nothing has changed since. With `agents`
the coding agents come too, which take 700 MB.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from local.environment import ROOT, VENV, interruptible, run

CLIENTS = VENV / "clients"
FOLDER = ROOT / "tests/compatibility"
AGENTS = ROOT / "tests/agents"
REQUIREMENTS = ROOT / "requirements/compatibility.txt"


def main(purpose: str) -> None:
    python = CLIENTS / "bin/python"
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off", "--quiet"]
    venv = [sys.executable, "-m", "venv", CLIENTS]
    set_up("python", [REQUIREMENTS], venv, [*pip, "--require-hashes", "-r", REQUIREMENTS])
    if has("npm"):
        folders = {"npm": FOLDER / "node"} | ({"agents": AGENTS} if purpose == "agents" else {})
        quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
        for name, folder in folders.items():
            set_up(name, [folder / "package-lock.json"], ["npm", "ci", "--prefix", folder, *quiet])
    if has("go"):
        go = FOLDER / "go"
        files = sorted(go.iterdir())
        set_up("go", files, ["go", "build", "-C", go, "-o", CLIENTS / "bin/ollama-go", "."])


def has(program: str) -> bool:
    found = shutil.which(program) is not None
    if not found:
        print(f"  Not installed: {program}, and with it the clients that need it", flush=True)
    return found


def set_up(name: str, files: Iterable[Path], *commands: Sequence[str | Path]) -> None:
    """Run these, unless they were run for what stands in these files."""
    stamp = VENV / f"clients-{name}.stamp"
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    if stamp.exists() and stamp.read_text() == digest and (CLIENTS / "bin").exists():
        return
    for command in commands:
        words = [str(word) for word in command]
        print("  " + " ".join(words).replace(str(ROOT) + os.sep, ""), flush=True)
        if run(words):
            print(f"  Not set up: the clients of {name}; its own words are above", flush=True)
            return
    stamp.write_text(digest)


if __name__ == "__main__":
    sys.exit(interruptible(sys.argv[1] if len(sys.argv) > 1 else "clients", main))
