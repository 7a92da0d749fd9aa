"""Use a queue in a process of its own, `python -m bench.using URL`, of either engine.

Each line of JSON that comes in says what to do, and one that goes out what came of it.
"""

from __future__ import annotations

import json
import random
import sys
import time
from functools import cached_property, partial
from itertools import count
from typing import TYPE_CHECKING, Any, NoReturn

from promptqueue import connect
from promptqueue.notes import Scope, Text
from promptqueue.prompt import Answered, NewPrompt, Terms

if TYPE_CHECKING:
    from collections.abc import Callable

    from promptqueue import PromptQueue
    from promptqueue.prompt import Claim
    from promptqueue.storage import Presence

ASKED = NewPrompt(request={"prompt": "Why is the sky blue, and why is it red in the evening?", "options": {}})
ENDING = Answered(record={"response": "Rayleigh scattering, that is why. " * 6, "done": True}, tokens=20)
ENOUGH = 1_000_000_000  # prompts in line: as the proxy has it, the depth is looked at, and is never too much
MANY = 500  # prompts in a commit that fills the line
LEASE = 3600.0  # seconds
PIECE = " because it is so, and so on" * 2  # what a model says in a quarter of a second, about 12 tokens
CARE_EVERY = 1.0  # seconds, as the janitor's

Told = dict[str, Any]


class User:
    """Does what it is told with one queue, as the proxy and the worker would."""

    def __init__(self, url: str) -> None:
        """Open the queue at `url`, and make it where there is none."""
        self._storage = connect(url)
        self._queue: PromptQueue = self._storage.open()
        self._ids: list[str] = []
        self._claims: list[Claim] = []

    @cached_property
    def _presence(self) -> Presence:
        return self._storage.register(slots=1)

    @cached_property
    def _terms(self) -> Terms:
        return Terms(worker=self._presence.id, lease_seconds=LEASE)

    def submit(self, *, group: int, at_once: bool, seconds: float) -> Told:
        """Submit groups, each in one commit: `at_once` by one call, or by a call for each prompt."""

        def commit() -> None:
            if at_once:
                self._queue.enqueue(*[ASKED] * group, max_queued=ENOUGH)
                return
            with self._queue.transaction():
                for _ in range(group):
                    self._queue.enqueue(ASKED, max_queued=ENOUGH)

        return _repeated(commit, seconds, units=group)

    def fill(self, *, number: int) -> Told:
        """Submit so many prompts."""
        for first in range(0, number, MANY):
            accepted = self._queue.enqueue(*[ASKED] * min(MANY, number - first))
            self._ids += [each.prompt.id for each in accepted]
        return {}

    def hand_over(self, *, seconds: float) -> Told:
        """Finish a prompt and claim the next in one commit, for so long."""
        claim: Claim | None = self._queue.claim(self._terms)

        def commit() -> None:
            nonlocal claim
            assert claim, "the line was filled with enough"
            with self._queue.transaction():
                self._queue.finish(claim, ENDING)
                claim = self._queue.claim(self._terms)

        told = _repeated(commit, seconds)
        if claim:
            self._queue.finish(claim, ENDING)
        return told

    def hold(self, *, slots: int) -> Told:
        """Claim so many prompts, in place of those that were held before."""
        for held in self._claims:
            self._queue.finish(held, ENDING)
        self._queue.enqueue(*[ASKED] * slots)
        self._claims = [claim for _ in range(slots) if (claim := self._queue.claim(self._terms))]
        return {"held": len(self._claims)}

    def write(self, *, number: int) -> Told:
        """Write a piece of text of every prompt that is held in one commit, so often, as the watcher does."""

        def commit(at: int) -> None:
            with self._queue.transaction(durable=False):
                for claim in self._claims:
                    self._queue.write(claim, PIECE, offset=at * len(PIECE), tokens=12 * at)

        offsets = count()
        return _repeated(lambda: commit(next(offsets)), times=number, units=len(self._claims))

    def glance(self, *, number: int) -> Told:
        """Look in one read whether every prompt that is held still is, so often, as the watcher does."""
        ids = [claim.prompt.id for claim in self._claims]
        return _repeated(lambda: self._queue.progress_of(ids), times=number, units=len(ids))

    def look(self, *, number: int) -> Told:
        """Ask for the depth, and for places of prompts anywhere in line; the milliseconds of each."""
        some = random.sample(self._ids, number)
        return {
            "depth ms": [_milliseconds(self._queue.counts) for _ in some],
            "place ms": [_milliseconds(partial(self._queue.progress_of, [each])) for each in some],
        }

    def stream(self, *, pace: float, begin_in: float, seconds: float) -> Told:
        """Stream a token of each prompt that is held every `pace` seconds; each is the moment at which it is sent."""
        offsets = dict.fromkeys(range(len(self._claims)), 0)
        begins = time.monotonic() + begin_in
        tokens = round(seconds / pace) * len(self._claims)
        used = 0.0
        for token in range(tokens):
            time.sleep(max(0.0, begins + token * pace / len(self._claims) - time.monotonic()))
            used = used or time.process_time()
            slot, text = token % len(self._claims), f"{time.monotonic():.6f} "
            self._queue.stream_text(self._claims[slot], text, offset=offsets[slot])
            offsets[slot] += len(text)
        return {"number": tokens, "cpu": time.process_time() - used, "seconds": time.monotonic() - begins}

    def listen(self, *, seconds: float) -> Told:
        """Listen for so long; the milliseconds that each token took to come here."""
        took: list[float] = []
        until, used = time.monotonic() + seconds, time.process_time()
        with self._storage.listen() as listener, listener.subscribe(Scope.EVERYTHING) as heard:
            while (left := until - time.monotonic()) > 0:
                notes = heard.wait(left)
                now = time.monotonic()
                texts = [note.text for note in notes if isinstance(note, Text)]
                took += [1000 * (now - float(sent)) for text in texts for sent in text.split()]
        return {"ms": took, "cpu": time.process_time() - used}

    def cycle(self, *, number: int, writes: int) -> Told:
        """Submit, claim, write and finish, so often: for each prompt that comes another one goes."""

        def one() -> None:
            self._queue.enqueue(ASKED, max_queued=ENOUGH)
            claim = self._queue.claim(self._terms)
            assert claim, "one was submitted"
            for each in range(writes):
                self._queue.write(claim, PIECE, offset=each * len(PIECE), tokens=12 * each)
            self._queue.finish(claim, ENDING)

        return _repeated(one, times=number)

    def first_in_line(self, *, number: int) -> Told:
        """Claim and give back, so often; the milliseconds of each claim."""
        took = []
        for _ in range(number):
            began = time.perf_counter()
            claim = self._queue.claim(self._terms)
            took.append(1000 * (time.perf_counter() - began))
            if claim:
                self._queue.release(claim)
        return {"ms": took}

    def counts(self) -> Told:
        """Tell how many wait and how many are completed."""
        counts = self._queue.counts()
        return {"queued": counts.queued, "processing": counts.processing, "completed": counts.completed}

    def care(self) -> NoReturn:
        """Do what the janitor does each second, as long as this process lives."""
        seen = None
        while True:
            self._queue.recover()
            seen = self._queue.observe(seen)
            time.sleep(CARE_EVERY)


def _repeated(do: Callable[[], object], seconds: float = 0.0, *, times: int = 0, units: int = 1) -> Told:
    """Do something for so long, or so often; how many units, in which time, with how much of this process's."""
    began, used, done = time.monotonic(), time.process_time(), 0
    while (done < times) if times else (time.monotonic() < began + seconds):
        do()
        done += 1
    return {"number": done * units, "seconds": time.monotonic() - began, "cpu": time.process_time() - used}


def _milliseconds(verb: Callable[[], object]) -> float:
    began = time.perf_counter()
    verb()
    return 1000 * (time.perf_counter() - began)


def main(url: str) -> None:
    """Do what each line says."""
    user = User(url)
    print("{}", flush=True)
    for line in sys.stdin:
        told = json.loads(line)
        print(json.dumps(getattr(user, told.pop("do"))(**told)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
