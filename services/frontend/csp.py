"""Keeps the hashes in the page's Content-Security-Policy true to its script and style.

`python services/frontend/csp.py` writes the policy into index.html; `--check` only says what it must be, and fails when
it is something else. Run it after every change of the page, last: a formatter that touches one byte changes a hash.
"""

import base64
import hashlib
import re
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("index.html")
META = re.compile(r'(<meta http-equiv="Content-Security-Policy" content=")([^"]*)(">)')


def policy(page: str) -> str:
    """The policy that lets exactly this page's script and style run, and nothing else."""
    return (
        f"default-src 'none'; script-src '{_hash(page, 'script')}'; style-src '{_hash(page, 'style')}'; "
        "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def stated(page: str) -> str:
    """The policy that the page states now."""
    return str(_only(META.findall(page), "Content-Security-Policy meta")[1])


def main(arguments: list[str]) -> int:
    """Write the policy, or with `--check` compare it; the exit status."""
    page = PAGE.read_bytes().decode()
    right = policy(page)
    if stated(page) == right:
        return 0
    if "--check" in arguments:
        sys.stderr.write(f"{PAGE.name} states another policy than its script and style need. It must be:\n{right}\n")
        return 1
    PAGE.write_bytes(META.sub(lambda meta: meta[1] + right + meta[3], page).encode())
    return 0


def _hash(page: str, tag: str) -> str:
    content = _only(re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL), tag)
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _only(found: list[Any], what: str) -> Any:
    if len(found) != 1:
        problem = f"expected one {what} element, found {len(found)}"
        raise ValueError(problem)
    return found[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
