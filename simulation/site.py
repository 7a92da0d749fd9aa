"""A site: what somebody runs, on which engine, and what is asked of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

DAY = 24 * 3600.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Site:
    """Model servers with slots, workers that serve them, proxies, and the processors of what they share."""

    slots: int
    seconds: float  # that an answer takes
    pace: float = 50.0  # tokens a second, in each slot
    slots_of_worker: int = 16
    proxies: int = 2
    cores: int = 4  # of PostgreSQL's server
    streams: bool = True  # whether live text is sent to all who listen
    # How unlike answers are: each takes between 1 - spread and 1 + spread of its seconds.
    spread: float = 0.5
    # Where workers, proxies and SQLite's file share a machine, its processors; None where there are enough.
    machine_cores: int | None = None
    has_model_here: bool = False  # whether the simulated model server is on that machine too
    prompts: int | None = None  # that are to be answered, of which all wait at the beginning; None: they never run out

    @property
    def workers(self) -> int:
        """Processes that have prompts answered."""
        return math.ceil(self.slots / self.slots_of_worker)

    @property
    def listeners(self) -> int:
        """Processes that wait for notes: each of them is woken by every note."""
        return self.workers + self.proxies

    @property
    def ideal_rate(self) -> float:
        """Answers a second if no slot ever waited."""
        return self.slots / self.seconds
