"""Held requests: an answer that waits until there is something to say."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from promptqueue.errors import StorageUnavailable
from promptqueue.notes import Changed, Subscription, Written
from promptqueue.prompt import Progress

from proxy.access.asker import Asker
from proxy.live.lookup import SLICE
from proxy.live.places import Places
from proxy.meter import Kept
from proxy.serving.connection import Connection
from proxy.storage.listener import SharedListener
from proxy.storage.progress import CurrentProgress
from proxy.storage.reader import Reader

LOOK_EVERY = 1.0  # seconds; a wake-up may get lost, and time passes without one
YIELD = 0.001  # seconds for everybody else between two reads


@dataclass(frozen=True)
class Held:
    """For how long a request may be held, for whom, on which connection, and what to do once its client has left."""

    seconds: float
    asker: Asker
    connection: Connection
    on_gone: Callable[[], None] | None = None


@dataclass(eq=False)
class _Waiting:
    """A request that is held."""

    prompt_id: str
    is_enough: Callable[[Progress], bool]
    subscription: Subscription
    has_left: bool = False

    def leave(self) -> None:
        """Wake it, because nobody waits for its answer any more."""
        self.has_left = True
        self.subscription.put(Written(self.prompt_id))  # a note that makes nobody look


class HeldRequests:
    """Lets requests sleep until their prompt changes. What happens unheard, one thread finds for all of them."""

    def __init__(self, *, current: CurrentProgress, reader: Reader, places: Places, listener: SharedListener) -> None:
        self._current = current
        self._reader = reader
        self._places = places
        self._listener = listener
        self._lock = threading.Lock()
        self._waiting: set[_Waiting] = set()
        self._is_looking = False

    def hold(self, prompt_id: str, is_enough: Callable[[Progress], bool], held: Held) -> Progress:
        """Wait until it is enough, its time is over, its client has left, or the process is to stop.

        Gives where the prompt stands then. A client's leaving is noticed within 250 ms. Raises PromptNotFound,
        StorageUnavailable, and TooManyStreams.
        """
        deadline = time.monotonic() + held.seconds
        progress = self._current.of(prompt_id)
        if not held.seconds or is_enough(progress) or not (listener := self._listener.get()):
            return progress
        with listener.subscribe(prompt_id) as subscription:
            waiting = _Waiting(prompt_id, is_enough, subscription)
            give_back = self._places.take(Kept.REQUEST, held.asker, held.connection, waiting.leave)
            try:
                self._add(waiting)
                progress = self._wait(waiting, deadline)
            finally:
                with self._lock:
                    self._waiting.discard(waiting)
                give_back()
        if waiting.has_left and held.on_gone:
            held.on_gone()
        return progress

    def _wait(self, waiting: _Waiting, deadline: float) -> Progress:
        progress = self._current.of(waiting.prompt_id)  # once more: what came before the subscription was not heard
        while not (waiting.is_enough(progress) or waiting.has_left or self._listener.is_closed):
            left = deadline - time.monotonic()
            if left <= 0:
                return self._current.of(waiting.prompt_id)
            if any(isinstance(note, Changed) for note in waiting.subscription.wait(left)):
                progress = self._current.of(waiting.prompt_id)
        return progress

    def _add(self, waiting: _Waiting) -> None:
        with self._lock:
            self._waiting.add(waiting)
            if not self._is_looking:
                self._is_looking = True
                threading.Thread(target=self._look, name="held requests", daemon=True).start()

    def _look(self) -> None:
        """Once a second, for as long as anybody waits, wake those whose prompts have changed unheard."""
        while True:
            time.sleep(LOOK_EVERY)
            with self._lock:
                waiting = list(self._waiting)
                if not waiting:
                    self._is_looking = False
                    return
            with suppress(StorageUnavailable):  # they wait on: it may be back before their time is over
                self._wake(waiting)

    def _wake(self, waiting: list[_Waiting]) -> None:
        prompt_ids = list({each.prompt_id for each in waiting})
        found: dict[str, Progress] = {}
        for start in range(0, len(prompt_ids), SLICE):
            some = self._read(prompt_ids[start : start + SLICE])
            found |= {progress.prompt.id: progress for progress in some}
            time.sleep(YIELD)
        for each in waiting:
            progress = found.get(each.prompt_id)
            if progress is None or progress.prompt.overdue or each.is_enough(progress):
                each.subscription.put(Changed(each.prompt_id))

    def _read(self, prompt_ids: list[str]) -> list[Progress]:
        return self._reader.read(lambda queue: queue.progress_of(prompt_ids))
