"""What is compared in the end: how many rows a table has, and the SHA-256 of all of them in their order."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from promptqueue.migration.tables import Row


@dataclass(frozen=True, kw_only=True, slots=True)
class Digest:
    """A table's rows, as far as one needs to know them to see that another has the same."""

    rows: int
    sha256: str


def digest(rows: Iterable[Row]) -> Digest:
    """Read all rows. Numbers are written so that no digit gets lost, and texts with every character."""
    number, sha256 = 0, hashlib.sha256()
    for row in rows:
        sha256.update(json.dumps(row).encode())
        sha256.update(b"\n")
        number += 1
    return Digest(rows=number, sha256=sha256.hexdigest())
