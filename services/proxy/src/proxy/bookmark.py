"""Bookmarks: how far a reader has come, written into the id of every event, and read when a client comes back.

To a client they are opaque. The id of one prompt's event is `2-118`: the attempt, and how many code points of its text
were told. `2-118-end` says that there is nothing more to tell. On a stream of several prompts every id holds all their
bookmarks, `f3a0c6c1-2-118.9b41aa02-end`: each by the beginning of its prompt's id, so that a client may come back
for more prompts, or fewer. Whoever stands at the very beginning is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from promptqueue.prompt import Prompt

KEY = 8  # hexadecimal digits; that two of a hundred prompts share them happens once in a million streams
FORM = re.compile(r"([0-9]{1,9})-([0-9]{1,12})(-end)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A place in a prompt's text: `offset` code points of this attempt's. At the end there is nothing more to tell."""

    attempt: int = 0
    offset: int = 0
    is_end: bool = False

    def __str__(self) -> str:
        return f"{self.attempt}-{self.offset}{'-end' if self.is_end else ''}"

    def can_be_of(self, prompt: Prompt) -> bool:
        """Tell whether a reader of this prompt can have come so far: what cannot be is as good as no bookmark."""
        return self.attempt <= prompt.attempt and (prompt.outcome is not None or not self.is_end)


START = Bookmark()
END = Bookmark(is_end=True)


def read(text: str) -> Bookmark | None:
    """Read the id of one prompt's event; None for anything else."""
    found = FORM.fullmatch(text)
    return Bookmark(int(found[1]), int(found[2]), found[3] is not None) if found else None


def read_several(text: str, prompt_ids: Collection[str]) -> dict[str, Bookmark]:
    """Read the id of an event of several prompts; the bookmarks in it of those that are asked for."""
    known = {}
    for part in text.split("."):
        key, _, place = part.partition("-")
        bookmark = END if place == "end" else read(place)
        of_key = [prompt_id for prompt_id in prompt_ids if prompt_id.startswith(key)] if len(key) == KEY else []
        if bookmark and len(of_key) == 1:
            known[of_key[0]] = bookmark
    return known


def named(prompt_id: str, bookmark: Bookmark) -> str:
    """Write what the id of an event of several prompts says of one of them."""
    return f"{prompt_id[:KEY]}-{'end' if bookmark.is_end else bookmark}"


def write_several(named: Iterable[str]) -> str:
    """Write the id of an event of several prompts."""
    return ".".join(named) or str(START)
