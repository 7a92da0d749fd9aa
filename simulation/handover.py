"""The hand-over as a simulation of events: slots that answer, and what they wait for between two prompts.

Prompts in line never run out. What becomes of a slot's time that is not spent on answers is what the queue costs.
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import simpy

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from simulation.costs import Costs
    from simulation.site import Site

    Steps = Generator[simpy.Event, object, None]

WRITE_EVERY = 0.25  # seconds, as the watcher
LOOK_EVERY = 0.5
READ_EVERY = 0.1  # seconds whose tokens are read at once here; in truth one by one
FLUSHES = 50.0  # a second, of live text
ENOUGH_IN_A_COMMIT = 256  # submissions
WARM_UP, LONG_ENOUGH = 1.0, 2.0  # answers of each slot
AT_LEAST = 4.0  # seconds that are looked at


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it."""

    rate: float  # answers a second
    accepted: float  # prompts stored a second
    loss: float  # share of the slots' time that was not spent on answers
    shared_use: float  # share of the writer's, or of the server's processors' time
    worker_use: float  # of the first worker's process
    makespan: float  # seconds until the last result was read, where the prompts were counted


def simulate(site: Site, costs: Costs, *, seed: int = 1) -> Outcome:
    """Let the site work until enough is seen, or until its prompts are answered."""
    return _Run(site, costs, random.Random(seed)).outcome()


class _Run:
    def __init__(self, site: Site, costs: Costs, chance: random.Random) -> None:
        self._site, self._costs, self._chance = site, costs, chance
        self._env = simpy.Environment()
        self._shared = self._resource(1 if costs.is_alone else site.cores)
        self._machine = self._resource(site.machine_cores) if site.machine_cores else None
        self._workers = [self._resource(1) for _ in range(site.workers)]
        self._proxies = [self._resource(1) for _ in range(site.proxies)]
        self._submissions = [simpy.Store(self._env) for _ in range(site.proxies)]
        self._busy = [0] * site.workers  # slots that are in a call
        self._left = site.prompts
        self._to_read = site.prompts or 0
        self._all_read = self._env.event()
        self._begins = 0.0  # of what is looked at
        self._calls: dict[int, float] = {}  # when each slot's began, of those that are in one
        self._accepted = 0
        self._answering = self._shared_seconds = self._worker_seconds = 0.0

    def outcome(self) -> Outcome:
        site, costs, env = self._site, self._costs, self._env
        for number in range(site.slots):
            env.process(self._slot(number))
        for number in range(site.workers):
            env.process(self._watch(number))
            env.process(self._read(number))
            if site.streams and costs.notify.base:
                env.process(self._tell(number))
            env.process(self._look())
        if site.prompts:
            env.run(until=self._all_read)
        else:
            for number in range(site.proxies):
                env.process(self._accept(number))
            self._begins = WARM_UP * site.seconds
            env.run(until=self._begins + max(AT_LEAST, LONG_ENOUGH * site.seconds))
        for began in self._calls.values():
            self._answering += env.now - max(began, self._begins)
        seen = env.now - self._begins
        return Outcome(
            rate=self._answering / (site.seconds * seen),
            accepted=self._accepted / seen,
            loss=1 - self._answering / (site.slots * seen),
            shared_use=self._shared_seconds / (seen * self._shared.capacity),
            worker_use=self._worker_seconds / seen,
            makespan=env.now,
        )

    def _resource(self, capacity: int) -> simpy.Resource:
        return simpy.Resource(self._env, capacity=capacity)

    # ---- who does what ----------------------------------------------------------------------------------------------

    def _slot(self, number: int) -> Steps:
        site, costs, env = self._site, self._costs, self._env
        worker = number % site.workers
        if site.prompts is None:  # not all at the same moment
            yield env.timeout(self._chance.uniform(0, site.seconds))
        while True:
            yield from self._commit(costs.hand_over + self._waking())
            if self._left is not None:
                if self._left == 0:
                    return
                self._left -= 1
            yield from self._work(costs.worker_answer, self._workers[worker], of_worker=worker == 0)
            self._busy[worker] += 1
            self._calls[number] = env.now
            yield env.timeout(site.seconds * self._chance.uniform(1 - site.spread, 1 + site.spread))
            self._busy[worker] -= 1
            self._answering += max(0.0, env.now - max(self._calls.pop(number), self._begins))
            proxy = number % site.proxies
            self._submissions[proxy].put(1)
            env.process(self._hand_out(proxy))

    def _watch(self, worker: int) -> Steps:
        """Write the text of all slots of a worker, in one commit."""
        yield self._env.timeout(self._chance.uniform(0, WRITE_EVERY))
        while True:
            due = self._env.now + WRITE_EVERY
            if self._busy[worker]:
                yield from self._commit(self._costs.write.of(self._busy[worker]) + self._waking())
            yield self._env.timeout(max(0.0, due - self._env.now))

    def _look(self) -> Steps:
        """Look whether the claims of a worker still hold."""
        yield self._env.timeout(self._chance.uniform(0, LOOK_EVERY))
        while True:
            due = self._env.now + LOOK_EVERY
            if not self._costs.is_alone:
                yield from self._serve(self._costs.glance.of(self._site.slots_of_worker))
            yield self._env.timeout(max(0.0, due - self._env.now))

    def _read(self, worker: int) -> Steps:
        """Read the tokens of all slots of a worker."""
        site, costs = self._site, self._costs
        yield self._env.timeout(self._chance.uniform(0, READ_EVERY))
        while True:
            due = self._env.now + READ_EVERY
            if tokens := self._busy[worker] * site.pace * READ_EVERY:
                if site.has_model_here:
                    self._env.process(self._work(tokens * costs.model_token))
                yield from self._work(tokens * costs.worker_token, self._workers[worker], of_worker=worker == 0)
            yield self._env.timeout(max(0.0, due - self._env.now))

    def _tell(self, worker: int) -> Steps:
        """Send what the slots of a worker read to whoever listens; later where the server is late."""
        site = self._site
        yield self._env.timeout(self._chance.uniform(0, READ_EVERY))
        while True:
            due = self._env.now + READ_EVERY
            notes = min(FLUSHES, self._busy[worker] * site.pace) * READ_EVERY
            yield from self._serve(notes * self._costs.notify.of(site.listeners))
            yield self._env.timeout(max(0.0, due - self._env.now))

    def _accept(self, proxy: int) -> Steps:
        """Store the prompts that come, all who wait in one commit."""
        come = self._submissions[proxy]
        while True:
            yield come.get()
            number = 1
            while come.items and number < ENOUGH_IN_A_COMMIT:
                yield come.get()
                number += 1
            yield from self._work(number * self._costs.proxy_submission, self._proxies[proxy])
            yield from self._commit(self._costs.submit.of(number) + self._waking())
            self._accepted += number if self._env.now >= self._begins else 0

    def _hand_out(self, proxy: int) -> Steps:
        """Read a result."""
        yield from self._work(self._costs.proxy_result, self._proxies[proxy])
        self._to_read -= 1
        if not self._to_read:
            self._all_read.succeed()

    # ---- what it takes ----------------------------------------------------------------------------------------------

    def _waking(self) -> float:
        """Give what it costs the server to wake all who listen, after a commit."""
        return self._costs.notify.each * self._site.listeners

    def _commit(self, seconds: float) -> Steps:
        yield from self._serve(seconds)
        if self._costs.wait:
            yield self._env.timeout(self._costs.wait)

    def _serve(self, seconds: float) -> Steps:
        """Have the writer, or a processor of the server, for so long."""
        if seconds:
            yield from self._hold(seconds, self._shared)
            if self._env.now >= self._begins:
                self._shared_seconds += seconds

    def _work(self, seconds: float, *processes: simpy.Resource, of_worker: bool = False) -> Steps:
        """Have a process for so long, which runs one thread at a time."""
        yield from self._hold(seconds, *processes)
        if of_worker and self._env.now >= self._begins:
            self._worker_seconds += seconds

    def _hold(self, seconds: float, *resources: simpy.Resource) -> Steps:
        wanted: Iterable[simpy.Resource] = [*resources, self._machine] if self._machine else resources
        with ExitStack() as held:
            for resource in wanted:
                yield held.enter_context(resource.request())
            yield self._env.timeout(seconds)
