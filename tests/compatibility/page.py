"""docs/compatibility.md: what it says of each client and case, from the rows that a run has found."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from support import ROOT

from compatibility.answers import QUESTIONS
from compatibility.clients import CLIENTS, Face
from compatibility.cuts import SILENT_AT_A_CUT, pairs
from compatibility.differences import table
from compatibility.runtime import CLIENTS as PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGE = ROOT / "docs/compatibility.md"
FIELDS = Path(__file__).resolve().parent / "fields.md"
NODE = Path(__file__).resolve().parent / "node/node_modules"
GO = Path(__file__).resolve().parent / "go/go.mod"
CUT = "cut: {point}, {cause}"

INTRODUCTION = f"""# Clients that were made for other servers

`make compatibility` wrote the tables of answers and cuts on this page. Every client is the one that its makers publish,
unmodified, and was told nothing but the address: `http://host:8000` for Ollama's and Anthropic's protocols,
`http://host:8000/v1` for OpenAI's. Each asked the real proxy and the real worker, with the simulator in Ollama's place.
`make test` asks a part of it again, and compares.

A client may have the whole answer or an exception, and never a short answer that looks like a whole one. The only
exception is {", ".join(f"`{name}`" for name in sorted(SILENT_AT_A_CUT))} where the proxy or nginx itself is killed:
that client takes a connection that breaks for the end of the answer, and nobody is left to tell it more.

"""
RECORDED = """## Where `/api` answers otherwise than a recorded Ollama

A real Ollama 0.33.0 was asked more than four hundred things, and each answer was recorded. `make test` sends the same
requests to the whole product. Where it answers otherwise, on purpose, and in how many of them that is seen:

"""
ANSWERS = """## Answers

`right` is the answer that was asked for: all of its text, in pieces where it was streamed, the tool's name and
arguments, an object of the schema. Empty: the client has no way to ask for it that could be tried.

"""
CUTS = """## Answers that are cut off

The point that the answer had reached, what happened then, and what the client's caller had: streamed / whole, once
where both are the same. `whole` is the whole answer: nothing had been sent and the prompt was answered by another
attempt, or the client asked again by itself. A name is the exception's class. An AI SDK asks three times, Codex six,
whatever a server says, and each time is a prompt of its own with `MAX_FAILURES` attempts.

"""


def page(answers: Mapping[str, Mapping[str, str]], cuts: Mapping[str, Mapping[str, str]]) -> str:
    """The whole page, with these rows: what each client had, by case."""
    differences = [FIELDS.read_text() + "\n", RECORDED, table() + "\n\n"]
    parts = [INTRODUCTION, versions(), *differences, ANSWERS, *_tables(answers), CUTS, *_tables(cuts)]
    return "".join(parts)


def cases() -> list[str]:
    """Give the name of every case that the page has a row for."""
    return [*QUESTIONS, *(CUT.format(point=point, cause=cause) for point, cause in pairs())]


def versions() -> str:
    """Say which clients there are, and which versions of them were asked."""
    rows = [
        f"| `{each.name}` | {each.package} {version(each.package)} | {each.face} | {each.retries} |"
        for each in CLIENTS.values()
    ]
    head = "| client | package | protocol | asks again by itself |\n|---|---|---|---|\n"
    return "## Clients\n\n" + head + "\n".join(rows) + "\n\n"


def version(package: str) -> str:
    """Find which version of a package is installed."""
    if package.startswith("npm "):
        return str(json.loads((NODE / package.removeprefix("npm ") / "package.json").read_text())["version"])
    if package.startswith("github.com"):
        found = re.search(rf"{package} v(\S+)", GO.read_text())
        assert found
        return found[1]
    ask = f"import importlib.metadata as m; print(m.version('{package}'))"
    return subprocess.run([PROGRAMS / "python", "-c", ask], capture_output=True, text=True, check=True).stdout.strip()


def _tables(rows: Mapping[str, Mapping[str, str]]) -> Sequence[str]:
    tables = []
    for face in Face:
        names = [name for name, client in CLIENTS.items() if client.face is face]
        head = f"### {TITLES[face]}\n\n| case | {' | '.join(names)} |\n|---|{'---|' * len(names)}\n"
        lines = [f"| {case} | {' | '.join(had.get(name, '') for name in names)} |" for case, had in rows.items()]
        tables.append(head + "\n".join(lines) + "\n\n")
    return tables


TITLES = {
    Face.OLLAMA: "Ollama's protocol",
    Face.OPENAI: "OpenAI's chat/completions",
    Face.RESPONSES: "OpenAI's responses",
    Face.ANTHROPIC: "Anthropic's messages",
}
