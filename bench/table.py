"""The table: every row, in the order in which it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.rows import (
    drain,
    ending,
    endpoints,
    engines,
    engines_cycles,
    engines_product,
    engines_text,
    eta,
    faces,
    fairness,
    hostile,
    makespan,
    many,
    migrate,
    opening,
    owners,
    pickup,
    pruning,
    servers,
    streaming,
    streams,
    submit,
    turns,
    usage,
    verbs,
    watching,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.measurement import Measurement

NOUNS = (
    makespan,
    servers,
    pickup,
    streaming,
    faces,
    submit,
    fairness,
    turns,
    verbs,
    many,
    owners,
    endpoints,
    opening,
    pruning,
    streams,
    hostile,
    drain,
    usage,
    watching,
    ending,
    eta,
    engines,
    engines_text,
    engines_cycles,
    engines_product,
    migrate,
)
ROWS: tuple[Measurement, ...] = tuple(row for noun in NOUNS for row in noun.rows())


def chosen(names: Iterable[str]) -> list[Measurement]:
    """Give the rows of these names, or all but those that are apart. Raises ValueError for a name that no row has."""
    wanted = list(names)
    known = [row.name for row in ROWS]
    if strangers := [name for name in wanted if name not in known]:
        message = f"No row is called {', '.join(strangers)}. There are {', '.join(known)}."
        raise ValueError(message)
    return [row for row in ROWS if (row.name in wanted if wanted else not row.is_apart)]
