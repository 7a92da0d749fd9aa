"""What is full first: how much of each part a site uses, and with how many slots a part is as full as it should be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from simulation.handover import FLUSHES, LOOK_EVERY, WRITE_EVERY
from simulation.site import DAY

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation.costs import Costs
    from simulation.site import Site

FULL = 0.7  # share of a part's time beyond which whoever comes waits noticeably
CONNECTIONS = 97  # of PostgreSQL's default of 100, three are its own
MOST_SLOTS = 1_000_000

NOTES_OF_AN_ANSWER = 2  # that it joined the line, and that it left a slot


class Part(NamedTuple):
    """Something that may be full: which share of it a site uses, and what helps."""

    name: str
    used: Callable[[Site, Costs], float]
    relief: str


@dataclass(frozen=True, kw_only=True)
class Limit:
    """With how many slots a part is full, and how many prompts a day that is."""

    part: Part
    slots: int
    prompts: float


def _verbs(site: Site, costs: Costs) -> float:
    """Seconds of what is shared, each second, for all but notes."""
    of_answers = site.ideal_rate * (costs.submit.of(1) + costs.hand_over)
    of_text = site.workers * costs.write.of(site.slots_of_worker) / WRITE_EVERY
    of_looks = 0.0 if costs.is_alone else site.workers * costs.glance.of(site.slots_of_worker) / LOOK_EVERY
    return of_answers + of_text + of_looks


def _notes(site: Site, costs: Costs) -> float:
    """Seconds of the server, each second, for waking those who listen."""
    commits = site.ideal_rate * NOTES_OF_AN_ANSWER + site.workers / WRITE_EVERY
    return commits * costs.notify.each * site.listeners + site.workers * FLUSHES * costs.notify.of(site.listeners)


def _processes(site: Site, costs: Costs) -> float:
    """Seconds of the processes, each second."""
    of_an_answer = costs.worker_answer + costs.proxy_submission + costs.proxy_result
    return site.ideal_rate * of_an_answer + site.slots * site.pace * costs.worker_token


def _worker(site: Site, costs: Costs) -> float:
    slots = min(site.slots, site.slots_of_worker)
    return slots / site.seconds * costs.worker_answer + slots * site.pace * costs.worker_token


WORKER = Part("a worker's process", _worker, "more workers, with fewer slots each")

OF_SQLITE = (
    Part("SQLite's writer", _verbs, "PostgreSQL, where commits run side by side"),
    Part(
        "the host's processors",
        lambda site, costs: (_processes(site, costs) + _verbs(site, costs)) / (site.machine_cores or 1),
        "a larger host; then PostgreSQL, and workers and proxies on hosts of their own",
    ),
    WORKER,
)
OF_POSTGRESQL = (
    Part(
        "the server's processors, live text included",
        lambda site, costs: (_verbs(site, costs) + _notes(site, costs)) / site.cores,
        "fewer workers with more slots each, for each one's live text wakes all; then text only where somebody follows",
    ),
    Part(
        "the server's processors, without live text",
        lambda site, costs: _verbs(site, costs) / site.cores,
        "more processors for the server, which share the work",
    ),
    Part(
        "connections",
        lambda site, costs: FULL * site.workers * costs.connections / CONNECTIONS,
        "max_connections, at some megabytes each; or fewer workers with more slots each",
    ),
    WORKER,
)


def parts(costs: Costs) -> tuple[Part, ...]:
    """Give the parts that an engine's site has."""
    return OF_SQLITE if costs.is_alone else OF_POSTGRESQL


def limits(site: Site, costs: Costs) -> list[Limit]:
    """Say with how many slots each part of such a site is full, the first one first; `site.slots` does not count."""
    found = []
    for part in parts(costs):
        slots = _slots_that_fill(part, site, costs)
        if slots < MOST_SLOTS:
            found.append(Limit(part=part, slots=slots, prompts=slots / site.seconds * DAY))
    return sorted(found, key=lambda limit: limit.slots)


def _slots_that_fill(part: Part, site: Site, costs: Costs) -> int:
    """Find the most slots with which the part is not full, by halves."""
    least, most = 0, MOST_SLOTS
    while most - least > 1:
        middle = (least + most) // 2
        if part.used(replace(site, slots=middle), costs) <= FULL:
            least = middle
        else:
            most = middle
    return least if most < MOST_SLOTS else MOST_SLOTS
