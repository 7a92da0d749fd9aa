"""Bookmarks: how far a reader has come, written into the id of every event, and read when a client comes back.

To a client they are opaque. The id of one prompt's event is `2-118`: the attempt, and how many code points of its text
were told. `2-118-end` says that there is nothing more to tell; of a prompt that was retried it also says which end that
was, `2-118-end-59301`, for there may be others. On a stream of several prompts every id holds all their bookmarks,
`f3a0c6c1-2-118.9b41aa02-end1`: each by the beginning of its prompt's id, so that a client may come back for more
prompts, or fewer. Whoever stands at the very beginning is left out, and an end names its attempt alone, because a
hundred of them must fit into a header.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from promptqueue.prompt import Prompt

KEY = 8  # hexadecimal digits; that two of a hundred prompts share them happens once in a million streams
LIVES = 1_000_000  # that are told apart; by the thousandth of a second in which a prompt was retried
ALL = 999_999_999_999  # code points: more than any text has
FORM = re.compile(r"([0-9]{1,9})-([0-9]{1,12})(-end(?:-([0-9]{1,6}))?)?", re.ASCII)
SHORT_END = re.compile(r"end([0-9]{0,9})(?:-([0-9]{1,6}))?", re.ASCII)  # before there were retries it was end alone


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a prompt's text: `offset` code points of this attempt's. At the end there is nothing more to tell."""

    attempt: int = 0
    offset: int = 0
    is_end: bool = False
    life: int | None = None  # which end; None for that of a prompt that was never retried

    def __str__(self) -> str:
        life = "" if self.life is None else f"-{self.life}"
        return f"{self.attempt}-{self.offset}{'-end' if self.is_end else ''}{life}"

    @property
    def short(self) -> str:
        """The same, as far as it is needed on a stream of several."""
        return f"end{self.attempt}{str(self).partition('-end')[2]}" if self.is_end else str(self)

    def at_the_end_of(self, prompt: Prompt) -> Cursor:
        """Give the place of a reader who has been told how this prompt ended."""
        return replace(self, is_end=True, life=_life(prompt))

    def in_(self, prompt: Prompt) -> Cursor | None:
        """Give where in this prompt a reader is; None if no reader can have come so far.

        Who has an end that is none, because the prompt was retried since, has its text up to there.
        """
        if self.attempt > prompt.attempt:
            return None
        if self.is_end and (prompt.outcome is None or self.life != _life(prompt)):
            return Cursor(self.attempt, self.offset)
        return self


START = Cursor()


def read(text: str) -> Cursor | None:
    """Read the id of one prompt's event; None for anything else."""
    found = FORM.fullmatch(text)
    return Cursor(int(found[1]), int(found[2]), found[3] is not None, _number(found[4])) if found else None


def read_several(text: str, prompt_ids: Collection[str]) -> dict[str, Cursor]:
    """Read the id of an event of several prompts; the bookmarks in it of those that are asked for."""
    known = {}
    for part in text.split("."):
        key, _, place = part.partition("-")
        end = SHORT_END.fullmatch(place)
        bookmark = Cursor(int(end[1] or 0), ALL, is_end=True, life=_number(end[2])) if end else read(place)
        of_key = [prompt_id for prompt_id in prompt_ids if prompt_id.startswith(key)] if len(key) == KEY else []
        if bookmark and len(of_key) == 1:
            known[of_key[0]] = bookmark
    return known


def named(prompt_id: str, bookmark: Cursor) -> str:
    """Write what the id of an event of several prompts says of one of them."""
    return f"{prompt_id[:KEY]}-{bookmark.short}"


def write_several(named: Iterable[str]) -> str:
    """Write the id of an event of several prompts."""
    return ".".join(named) or str(START)


def _number(digits: str | None) -> int | None:
    return None if digits is None else int(digits)


def _life(prompt: Prompt) -> int | None:
    return None if prompt.retried_at is None else int(prompt.retried_at * 1000) % LIVES
