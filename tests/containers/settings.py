"""The settings as the files of the repository name them."""

from __future__ import annotations

import re

from support import ROOT

COMPOSE = (ROOT / "compose.yaml").read_text()
COMPOSE_POSTGRES = (ROOT / "compose.postgres.yaml").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()


def of_example() -> dict[str, str]:
    """Each variable of .env.example with its value."""
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))


def passed_on() -> list[str]:
    """Variables that reach Ollama's process as they are, and only if they have a value."""
    return re.findall(r"^ +- \$\{(\w+):\+\1=\}\$\{\1:-OLLAMA_NUM_PARALLEL\}$", COMPOSE, re.MULTILINE)


def of_compose() -> dict[str, set[str]]:
    """Each variable that Compose's files take from outside, with the defaults that they name."""
    found = {name: {""} for name in passed_on() if name.isupper()}
    for name, default in re.findall(r"(?<!\})\$\{([A-Z_]+):-([^}]*)\}", COMPOSE + COMPOSE_POSTGRES):
        found.setdefault(name, set()).add(default)
    return found


def of_service(service: str) -> dict[str, str]:
    """Each variable that a service of compose.yaml hands to its process, with the outside one that it is taken from."""
    block = re.search(rf"^  {service}:\n(.*?)(?=^\S|^  \S)", COMPOSE, re.MULTILINE | re.DOTALL)
    assert block, service
    return dict(re.findall(r"^ +([A-Z_]+): \$\{([A-Z_]+):-", block[1], re.MULTILINE))
