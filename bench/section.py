"""A part of a document that a command writes: it stands between two comments, and the rest is left as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

END = "<!-- end -->"


def rewrite(page: Path, command: str, lines: Sequence[str]) -> None:
    """Put `lines` where `page` says that `command` wrote. Raises ValueError where it does not say so."""
    begin = f"<!-- {command} -->"
    before, begins, rest = page.read_text("utf-8").partition(begin)
    _, ends, after = rest.partition(END)
    if not (begins and ends):
        message = f"{page} has no part between {begin} and {END}."
        raise ValueError(message)
    page.write_text("\n".join([before + begin, *lines, END]) + after, "utf-8")
