"""The watcher: the thread beside a call that keeps its claim, its deadlines and its text while the other one reads."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

from promptqueue.errors import ClaimLost, PromptNotFound, StorageUnavailable
from promptqueue.prompt import Status
from promptqueue.wakeup import Changed

from worker.call import Call, Stop
from worker.verdict import How, Seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promptqueue import PromptQueue
    from promptqueue.wakeup import Listener, Note, Subscription

    from worker.config import Config
    from worker.drain import Drain

WRITE_EVERY = 0.25  # seconds between two writes of new text
LOOK_EVERY = 0.5  # seconds between two looks at a claim that nothing else touches: the word of a cancel can get lost

log = logging.getLogger(__name__)


class Watcher:
    """One slot's watcher; it serves one call after the other."""

    def __init__(self, *, queue: PromptQueue, listener: Listener, config: Config, drain: Drain) -> None:
        """Watch with a queue instance of its own."""
        self._queue = queue
        self._listener = listener
        self._config = config
        self._drain = drain
        self._calls: SimpleQueue[Call] = SimpleQueue()
        self._storage_failed = False  # already said
        self._subscription: Subscription | None = None
        self.turned_at: float | None = None  # by the monotonic clock; None while there is nothing to watch

    @contextmanager
    def watching(self, call: Call) -> Iterator[None]:
        """Have `call` watched inside; on the way out, wait until its claim is no longer touched."""
        self._calls.put(call)
        try:
            yield
        finally:
            call.over.set()
            self.wake()
            call.unwatched.wait()

    def wake(self) -> None:
        """Have a look taken now."""
        subscription = self._subscription
        if subscription:
            subscription.put(Changed(None))

    def run(self) -> None:
        """Watch what comes, for ever: the thread ends with its process."""
        while True:
            call = self._calls.get()
            try:
                self._watch(call)
            except Exception as error:  # noqa: BLE001 (not swallowed: it ends the call, whose slot raises it again)
                call.stop(error)
            finally:
                self._subscription = self.turned_at = None
                call.unwatched.set()

    def _watch(self, call: Call) -> None:
        renew_every = self._config.lease_seconds / 3
        # Of every change rather than of this prompt: the latter would also bring back each token that is told.
        with self._listener.subscribe() as self._subscription:
            now = time.monotonic()
            renew_at, look_at, write_at = now + renew_every, now + LOOK_EVERY, now + WRITE_EVERY
            while not call.over.is_set():
                self.turned_at = now
                deadline, reason = self._deadline(call)
                if call.is_stopped:  # and kept for all that: a name that is looked up cannot be broken off
                    deadline = float("inf")
                notes = self._subscription.wait(max(0.0, min(renew_at, look_at, write_at, deadline) - now))
                now = time.monotonic()
                if now >= deadline:
                    call.stop(reason)
                    continue
                touched = False
                if now >= write_at:
                    write_at = now + WRITE_EVERY
                    touched = self._write(call)
                if now >= renew_at and not touched:
                    touched = self._renew(call)
                    renew_at = now + (renew_every if touched else WRITE_EVERY)
                if touched:
                    renew_at, look_at = max(renew_at, now + renew_every), now + LOOK_EVERY
                elif now >= look_at or _concerns(notes, call):
                    look_at = now + LOOK_EVERY
                    self._look(call)

    def _deadline(self, call: Call) -> tuple[float, Stop | Seen]:
        """Give the deadline that comes first, and what it is when it passes."""
        config, heard_at, connected_at = self._config, call.heard_at, call.plug.connected_at
        if heard_at is not None:
            next_byte = (
                heard_at + config.idle_timeout,
                Seen(how=How.STALLED, words=f"the model went silent for {config.idle_timeout:g} s in mid-answer"),
            )
        elif connected_at is not None:
            next_byte = (
                connected_at + config.first_byte_timeout,
                Seen(how=How.NO_FIRST_BYTE, words=f"the model said nothing within {config.first_byte_timeout:g} s"),
            )
        else:
            next_byte = (
                call.started_at + config.connect_timeout,
                Seen(how=How.NOT_CONNECTED, words=f"no connection within {config.connect_timeout:g} s"),
            )
        total = (call.ends_at, Seen(how=How.OUT_OF_TIME, words="The prompt ran longer than it may."))
        deadlines: tuple[tuple[float, Stop | Seen], ...] = (next_byte, total, (self._drain.until, Stop.DRAINED))
        return min(deadlines, key=lambda each: each[0])

    def _write(self, call: Call) -> bool:
        unwritten = call.answer.unwritten()
        if not unwritten:
            return False
        try:
            self._queue.write(call.claim, unwritten.text, offset=unwritten.offset, tokens=unwritten.tokens)
        except ClaimLost:
            call.stop(Stop.LOST)
        except StorageUnavailable as unavailable:
            self._could_not(call, "write", unavailable)
            return False
        else:
            call.answer.wrote(unwritten)
            self._storage_failed = False
        return True

    def _renew(self, call: Call) -> bool:
        try:
            self._queue.renew(call.claim)
        except ClaimLost:
            call.stop(Stop.LOST)
        except StorageUnavailable as unavailable:
            self._could_not(call, "renew", unavailable)
            return False
        else:
            self._storage_failed = False
        return True

    def _look(self, call: Call) -> None:
        """See whether the claim still holds, by a read: a renewal would be a commit, which everybody is told of."""
        try:
            prompt = self._queue.get(call.claim.prompt.id)
        except PromptNotFound:
            call.stop(Stop.LOST)
        except StorageUnavailable as unavailable:
            self._could_not(call, "look", unavailable)
        else:
            if prompt.status is not Status.PROCESSING or prompt.attempt != call.claim.attempt:
                call.stop(Stop.LOST)

    def _could_not(self, call: Call, verb: str, unavailable: StorageUnavailable) -> None:
        # The call goes on: should the lease run out meanwhile, the fence keeps its answer from doing harm.
        if not self._storage_failed:
            log.warning("claim not kept id=%s verb=%s reason=%r", call.claim.prompt.id, verb, str(unavailable))
        self._storage_failed = True


def _concerns(notes: list[Note], call: Call) -> bool:
    return any(note.prompt_id in (None, call.claim.prompt.id) for note in notes)
