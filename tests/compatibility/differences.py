"""Where /api answers otherwise than Ollama, on purpose: the list that the tests of recorded exchanges hold it to."""

from __future__ import annotations

import tomllib

from support import ROOT

LISTED = ROOT / "services/proxy/tests/faces/ollama/differences.toml"
HEAD = ("| a real Ollama 0.33.0 | this product | why | exchanges |", "|---|---|---|---|")


def table() -> str:
    """Markdown: a row for each difference, with the number of recorded exchanges that show it alone."""
    listed = tomllib.loads(LISTED.read_text("utf-8"))["difference"]
    rows = [f"| {each['ollama']} | {each['here']} | {each['why']} | {_exchanges(each['cases'])} |" for each in listed]
    return "\n".join([*HEAD, *rows])


def _exchanges(cases: dict[str, list[str]]) -> str:
    return str(sum(map(len, cases.values())) or "all")
