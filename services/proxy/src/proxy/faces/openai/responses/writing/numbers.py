"""Sequence numbers of a response's events: worked out from attempt and text, never counted.

So every process gives an event the same number, whenever it is asked. Numbers rise along a stream, with gaps. Offsets
and lengths are in code points.
"""

from dataclasses import dataclass

ATTEMPT = 10**9  # numbers of one attempt; no text is as long

CREATED = 0
QUEUED = 1
IN_PROGRESS = 2
ITEM_ADDED = 3
PART_ADDED = 4
CALL_EVENTS = 4  # of each tool call


def in_progress(attempt: int) -> int:
    """Number the event that says that an attempt has begun."""
    return _base(attempt) + IN_PROGRESS


def item_added(attempt: int) -> int:
    """Number the event that begins the message."""
    return _base(attempt) + ITEM_ADDED


def part_added(attempt: int) -> int:
    """Number the event that begins the message's text."""
    return _base(attempt) + PART_ADDED


def delta(attempt: int, end: int) -> int:
    """Number the event that brings the text up to `end`."""
    return _base(attempt) + PART_ADDED + end


def done(attempt: int, length: int) -> int:
    """Number the first of the three events that end a text of this length."""
    return delta(attempt, length) + 1


def call(attempt: int, length: int, index: int) -> int:
    """Number the first of the four events of a tool call; `index` counts from 0."""
    return done(attempt, length) + 3 + CALL_EVENTS * index


def end(attempt: int, length: int, calls: int = 0) -> int:
    """Number the event that ends the response."""
    return call(attempt, length, calls)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client stands that has read the events up to a number."""

    attempt: int
    offset: int  # in the attempt's text, or beyond its end
    has_text: bool  # even if an empty one: it knows of a message, whose place another attempt's cannot take


def place(number: int) -> Place:
    """Say where a client stands that has read the events up to this number."""
    attempts, within = divmod(number, ATTEMPT)
    return Place(attempts + 1, max(0, within - PART_ADDED), has_text=within >= ITEM_ADDED)


def _base(attempt: int) -> int:
    return (max(attempt, 1) - 1) * ATTEMPT
