"""Keeps the hashes in the page's Content-Security-Policy true to its script and style.

`python services/frontend/csp.py` writes the policy into index.html; `--check` only says what it must be, and fails when
it is something else. Run it after every change of the page, last: a formatter that touches one byte changes a hash.
"""

import base64
import hashlib
import re
import sys
from pathlib import Path

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
    metas = META.findall(page)
    if len(metas) != 1:
        raise ValueError(f"expected one Content-Security-Policy meta element, found {len(metas)}")
    return str(metas[0][1])


def main(arguments: list[str]) -> int:
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
    elements = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    if len(elements) != 1:
        raise ValueError(f"expected one <{tag}> element, found {len(elements)}")
    digest = hashlib.sha256(elements[0].encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
