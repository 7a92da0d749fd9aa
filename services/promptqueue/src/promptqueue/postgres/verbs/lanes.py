"""Lanes by their numbers: in the database a lane takes two bytes, and interactive ones come first."""

from promptqueue.prompt import Priority

LANES = (Priority.INTERACTIVE, Priority.BATCH)
NUMBER = {lane: number for number, lane in enumerate(LANES)}
