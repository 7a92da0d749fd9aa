"""The watcher: the loop that keeps the claims, deadlines and text of all calls while the slots read."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

from promptqueue.errors import ClaimLost, StorageUnavailable
from promptqueue.notes import Changed, Listener, Note, Subscription
from promptqueue.prompt import Status
from promptqueue.storage import Storage

from worker.answering.call import Call, Stop
from worker.config import Config
from worker.drain import Drain
from worker.loop import Ended, Loop
from worker.ollama.call_end import CallEnd, EndKind

WRITE_EVERY = 0.25  # seconds between two writes of new text
MOST_WRITTEN = 1024 * 1024  # bytes of text in one write: what is longer takes several
LOOK_EVERY = 0.5  # seconds between two looks at a claim that nothing else touches: the note of a cancel can get lost
NOBODY = Changed("")  # a change that concerns no prompt


class Watcher(Loop):
    """Serves all slots of a worker: what their calls have to write and to renew shares one commit, every 250 ms."""

    def __init__(self, *, listener: Listener, config: Config, storage: Storage, drain: Drain) -> None:
        """Watch nothing yet."""
        super().__init__("watcher", storage=storage, drain=drain)
        self._listener = listener
        self._config = config
        self._come: SimpleQueue[Call | None] = SimpleQueue()  # the calls that it has not seen yet; None: no more come
        self._calls: list[Call] = []
        self._subscription: Subscription | None = None

    @contextmanager
    def watching(self, call: Call) -> Iterator[None]:
        """Have `call` watched inside; on the way out, wait until its claim is no longer touched."""
        self._come.put(call)
        self.wake()
        try:
            yield
        finally:
            call.over.set()
            self.wake()
            call.unwatched.wait()

    def wake(self) -> None:
        """Have the calls looked over now."""
        subscription = self._subscription
        if subscription:
            subscription.put(NOBODY)

    def close(self) -> None:
        """Take no more calls: all slots have ended."""
        self._come.put(None)

    def _work(self) -> None:
        """Watch what comes, beyond the drain's begin: the slots have calls in hand then."""
        while True:
            self._turn()

    def _turn(self) -> None:
        """Wait for a call, and watch it and those that come meanwhile until none is left."""
        self.turned_at = None
        first = self._come.get()
        if first is None:
            raise Ended
        try:
            # Of every change rather than of these prompts: the latter would also bring each token that is streamed.
            # And only while there is a call, so that what others do wakes no idle worker.
            with self._listener.subscribe() as self._subscription:
                self._begin(first, time.monotonic())
                self._watch()
        except Exception as error:  # noqa: BLE001 (not swallowed: it ends the calls, whose slots raise it again)
            for call in self._calls:
                call.stop(error)
        finally:
            self._subscription = None
            self._end(self._calls)

    def _watch(self) -> None:
        """Watch the calls and those that come meanwhile, until none is left."""
        now = time.monotonic()
        write_at, look_at = now + WRITE_EVERY, now + LOOK_EVERY
        while self._calls:
            self.turned_at = now
            wake_at = min(write_at, look_at, *(self._deadline(call)[0] for call in self._calls))
            notes = self._subscription.wait(max(0.0, wake_at - now)) if self._subscription else []
            now = time.monotonic()
            while not self._come.empty() and (call := self._come.get()):
                self._begin(call, now)
            self._end([call for call in self._calls if call.over.is_set()])
            for call in self._calls:
                deadline, reason = self._deadline(call)
                if now >= deadline:
                    call.stop(reason)
                elif call.is_left:
                    call.stop(CallEnd(kind=EndKind.UNANSWERED, words="the model server fell silent"))
            if now >= write_at:
                write_at = now + WRITE_EVERY
                self._write(now)
            if now >= look_at or self._concern(notes):
                look_at = now + LOOK_EVERY
                self._look()

    def _begin(self, call: Call, now: float) -> None:
        call.touched_at = now
        self._calls.append(call)

    def _end(self, calls: list[Call]) -> None:
        self._calls = [call for call in self._calls if call not in calls]
        for call in calls:
            call.unwatched.set()

    def _deadline(self, call: Call) -> tuple[float, Stop | CallEnd]:
        """Give the next deadline, and the call's end when it passes; none once the call was ended."""
        if call.is_stopped:
            return float("inf"), Stop.LOST  # kept nevertheless: the lookup of a name cannot be broken off
        config, heard_at, connected_at = self._config, call.heard_at, call.plug.connected_at
        if heard_at is not None:
            since, seconds, kind = heard_at, config.idle_timeout, EndKind.STALLED
            words = f"the model went silent for {seconds:g} s in mid-answer"
        elif connected_at is not None:
            since, seconds, kind = connected_at, config.first_byte_timeout, EndKind.NO_FIRST_BYTE
            words = f"the model said nothing within {seconds:g} s"
        else:
            since, seconds, kind = call.started_at, config.connect_timeout, EndKind.NOT_CONNECTED
            words = f"no connection within {seconds:g} s"
        deadlines: tuple[tuple[float, Stop | CallEnd], ...] = (
            (since + seconds, CallEnd(kind=kind, words=words)),
            (call.ends_at, CallEnd(kind=EndKind.OUT_OF_TIME, words="The prompt ran longer than it may.")),
            (self._drain.until, Stop.DRAINED),
        )
        return min(deadlines, key=lambda each: each[0])

    def _write(self, now: float) -> None:
        """Write all new text, which renews those leases too, and renew the others that are due: in one commit."""
        renew_every = self._config.lease_seconds / 3
        news = [(call, call.answer.unwritten(MOST_WRITTEN), now - call.touched_at) for call in self._calls]
        if not any(text or age >= renew_every for _, text, age in news):
            return
        due = [(call, text) for call, text, age in news if text or age >= renew_every / 2]  # they soon fall together
        try:
            # Not durable: a lease is worth nothing after a power cut, and text that is cut off is written anew.
            with self._queue.transaction(durable=False):
                for call, text in due:
                    try:
                        if text:
                            self._queue.write(call.claim, text.text, offset=text.offset, tokens=text.tokens)
                        else:
                            self._queue.renew(call.claim)
                    except ClaimLost:
                        call.stop(Stop.LOST)
        except StorageUnavailable as unavailable:
            self._could_not("write", [call for call, _ in due], unavailable)
            return
        self._storage_trouble.well()
        for call, text in due:  # those that are lost are not written again
            call.touched_at = now
            if text:
                call.answer.wrote(text)

    def _look(self) -> None:
        """See whether the claims still hold, by a read: a renewal would be a commit, which others hear of."""
        try:
            progress = self._queue.progress_of([call.claim.prompt.id for call in self._calls])
        except StorageUnavailable as unavailable:
            self._could_not("look", self._calls, unavailable)
            return
        held = {each.prompt.id: each.prompt.attempt for each in progress if each.prompt.status is Status.PROCESSING}
        for call in self._calls:
            if held.get(call.claim.prompt.id) != call.claim.attempt:
                call.stop(Stop.LOST)

    def _could_not(self, verb: str, calls: list[Call], unavailable: StorageUnavailable) -> None:
        # The calls go on: should a lease run out meanwhile, the fence keeps its answer from doing harm.
        ids = ",".join(call.claim.prompt.id for call in calls)
        self._storage_trouble.warn("claim not kept id=%s verb=%s reason=%r", ids, verb, str(unavailable))

    def _concern(self, notes: list[Note]) -> bool:
        ids = {None, *(call.claim.prompt.id for call in self._calls)}
        return any(note.prompt_id in ids for note in notes)
