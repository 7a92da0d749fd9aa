"""The ids of events: a reader's cursors as text, which a client sends back as Last-Event-ID when it returns.

One prompt's is `2-118`: the attempt, and how many code points of its text the reader has. `2-118-end` says that nothing
follows; for a prompt that was retried it also names which end that was: `2-118-end-59301`. On a stream of several
prompts every id holds all their cursors, `f3a0c6c1-2-118.9b41aa02-end1`, each with the beginning of its prompt's id, so
that a client may come back for more prompts, or fewer. The very beginning of a prompt is left out, and an end names its
attempt alone, because a hundred of them must fit into a header.
"""

import re
from collections.abc import Collection, Iterable

from proxy.live.cursor import START, Cursor

KEY = 8  # hexadecimal digits; that two of a hundred prompts share them happens once in a million streams
ALL = 999_999_999_999  # code points: more than any text has
FORM = re.compile(r"([0-9]{1,9})-([0-9]{1,12})(-end(?:-([0-9]{1,6}))?)?", re.ASCII)
SHORT_END = re.compile(r"end([0-9]{0,9})(?:-([0-9]{1,6}))?", re.ASCII)  # before there were retries it was end alone


def read(text: str) -> Cursor | None:
    """Read the id of one prompt's event; None for anything else."""
    found = FORM.fullmatch(text)
    return Cursor(int(found[1]), int(found[2]), found[3] is not None, _number(found[4])) if found else None


def read_several(text: str, prompt_ids: Collection[str]) -> dict[str, Cursor]:
    """Read the id of an event of several prompts: the cursors in it of those that are asked for."""
    cursors = {}
    for part in text.split("."):
        key, _, place = part.partition("-")
        end = SHORT_END.fullmatch(place)
        cursor = Cursor(int(end[1] or 0), ALL, is_end=True, life=_number(end[2])) if end else read(place)
        of_key = [prompt_id for prompt_id in prompt_ids if prompt_id.startswith(key)] if len(key) == KEY else []
        if cursor and len(of_key) == 1:
            cursors[of_key[0]] = cursor
    return cursors


def write(cursor: Cursor) -> str:
    """Write the id of one prompt's event."""
    return f"{cursor.attempt}-{cursor.offset}{_end(cursor)}"


def write_part(prompt_id: str, cursor: Cursor) -> str:
    """Write the part of an id of several prompts that is about one of them."""
    place = f"end{cursor.attempt}{_end(cursor).removeprefix('-end')}" if cursor.is_end else write(cursor)
    return f"{prompt_id[:KEY]}-{place}"


def write_several(parts: Iterable[str]) -> str:
    """Write the id of an event of several prompts."""
    return ".".join(parts) or write(START)


def _end(cursor: Cursor) -> str:
    life = "" if cursor.life is None else f"-{cursor.life}"
    return f"-end{life}" if cursor.is_end else ""


def _number(digits: str | None) -> int | None:
    return None if digits is None else int(digits)
