"""docs/compatibility.md has a row for every case and names every client, in the version that is asked here."""

from __future__ import annotations

import re

from compatibility.clients import CLIENTS
from compatibility.cuts import SILENT_AT_A_CUT
from compatibility.page import FIELDS, PAGE, cases, version
from compatibility.runtime import COMMANDS


def test_every_client_is_on_the_page() -> None:
    clients = PAGE.read_text().partition("## Clients")[2].partition("\n## ")[0]
    named = set(re.findall(r"^\| `([\w-]+)` \|", clients, re.MULTILINE))

    assert named == set(CLIENTS)


def test_every_case_is_on_the_page_for_every_protocol() -> None:
    rows = re.findall(r"^\| ([^|`]+) \|", PAGE.read_text(), re.MULTILINE)

    for case in cases():
        assert rows.count(case) == 4, case


def test_the_page_tells_of_the_versions_that_are_asked() -> None:
    for command in COMMANDS.values():
        command()  # skips, or fails, where clients are not set up
    text = PAGE.read_text()

    for client in CLIENTS.values():
        assert f"| `{client.name}` | {client.package} {version(client.package)} |" in text


def test_the_page_has_no_short_answer_but_of_those_that_it_names() -> None:
    text = PAGE.read_text()

    for name in SILENT_AT_A_CUT:
        assert f"`{name}`" in text
    tables = [line.split(" | ") for line in text.splitlines() if line.startswith(("| cut:", "| case |"))]
    heads: list[str] = []
    for row in tables:
        if row[0] == "| case":
            heads = [name.strip("| ") for name in row]
            continue
        short = {name for name, cell in zip(heads, row, strict=True) if "short" in cell or "wrong" in cell}
        assert short <= SILENT_AT_A_CUT, row


def test_what_is_said_of_fields_stands_on_the_page() -> None:
    assert FIELDS.read_text() in PAGE.read_text()
