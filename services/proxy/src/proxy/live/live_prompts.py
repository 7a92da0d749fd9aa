"""The feeds of this process: one for each prompt that somebody follows, kept up to date by one thread.

Live text reaches its readers as it is heard. A prompt that a wake-up names is looked up at once, in one read with the
others of that moment. Any commit may have moved every place in line: whether it has, one number tells, and then the
line is looked up in slices. Once a second all of it is asked without a wake-up, because one may get lost.

Two thousand readers cannot all be told of every place that moved: to tell one costs a tenth of a millisecond. So places
get a quarter of the process's time, and text half of it, a few milliseconds at once. Who waits meanwhile is then told
the latest, and another round follows until the line has not moved since the last one began: the last place is told.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from promptqueue.errors import PromptNotFound, StorageUnavailable
from promptqueue.notes import Changed, Scope, Text, Written
from promptqueue.prompt import Outcome
from promptqueue.wire import text_of

from proxy.live.live_prompt import LivePrompt
from proxy.live.token_bucket import TokenBucket

if TYPE_CHECKING:
    from promptqueue import PromptQueue
    from promptqueue.notes import Listener, Note, Subscription
    from promptqueue.prompt import Progress, Prompt

    from proxy.api.event_stream import EventStream, Reading
    from proxy.live.held_requests import HeldRequests
    from proxy.storage.estimates import Estimates
    from proxy.storage.progress import CurrentProgress
    from proxy.storage.reader import Reader

LOOK_EVERY = 1.0  # seconds; a wake-up may get lost, and time passes without one
REMEMBERED = 1.0  # seconds of live text, which is in the database after a quarter of that
SLICE = 50  # prompts in one read, which takes 2 ms

SHARE_OF_TEXT = 0.5
SHARE_OF_PLACES = 0.25
AT_ONCE = 0.005  # seconds
TELLING = 0.000_1  # seconds that one reader costs when there is something to tell: it wakes, writes JSON, and sends it

YIELD = 0.001  # seconds for everybody else between two slices

log = logging.getLogger(__name__)


class LivePrompts:
    """Gives streams the feeds of their prompts."""

    def __init__(
        self, *, reader: Reader, standings: CurrentProgress, estimates: Estimates, watch: HeldRequests
    ) -> None:
        """Start nothing yet: the thread begins with the first stream."""
        self._reader = reader
        self._standings = standings
        self._estimates = estimates
        self._watch = watch
        self._lock = threading.Lock()
        self._feeds: dict[str, LivePrompt] = {}
        self._streams: set[EventStream] = set()
        self._subscription: Subscription | None = None
        self._is_running = False
        self._recent: deque[tuple[float, Text]] = deque()  # of all prompts, for whoever begins to follow one
        self._urgent: dict[str, None] = {}  # prompts to look up now
        self._due: dict[EventStream, None] = {}  # to be told, first come, first served
        self._for_text = TokenBucket(share=SHARE_OF_TEXT, saved=AT_ONCE)
        self._round: deque[str] = deque()  # prompts in line to look up in slices
        self._due_in_round: dict[EventStream, None] = {}
        self._for_places = TokenBucket(share=SHARE_OF_PLACES, saved=AT_ONCE)
        self._moves: int | None = None  # of the line, when the last round began
        self._line_may_have_moved = False
        self._look_at = 0.0  # when to look without a wake-up
        self._is_settling = False
        self._is_lost = False

    def open(self, stream: EventStream) -> None:
        """Let this stream hear of its prompts until it is closed. Raises StorageUnavailable."""
        ear = None if self._watch.is_stopping else self._watch.ear()
        with self._lock:
            if ear is None or self._watch.is_stopping:
                stream.end()
                return
            self._streams.add(stream)
            for reading in stream.readings:
                reading.feed = self._feed_of(reading.prompt_id)
                reading.feed.readers.append(stream)
            stream.on_close.append(partial(self._leave, stream, list(stream.readings)))
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, args=[ear], name="feeds", daemon=True).start()
            elif self._subscription:
                for reading in stream.readings:
                    self._subscription.put(Written(reading.prompt_id))  # to be looked up, though nobody else need be

    def _feed_of(self, prompt_id: str) -> LivePrompt:
        """Give the feed of a prompt: a new one where the end was told, for it may have been retried since."""
        feed = self._feeds.get(prompt_id)
        if feed is None or feed.is_over:
            feed = self._feeds[prompt_id] = LivePrompt()
        return feed

    def stop(self) -> None:
        """Let every stream end now."""
        for stream in self._open_streams():
            stream.end()

    def cut(self) -> None:
        """Break the connections of the streams that are still open."""
        for stream in self._open_streams():
            stream.connection.cut()

    def _leave(self, stream: EventStream, readings: list[Reading]) -> None:
        with self._lock:
            self._streams.discard(stream)
            for reading in readings:
                reading.feed.readers.remove(stream)
                if not reading.feed.readers and self._feeds.get(reading.prompt_id) is reading.feed:
                    del self._feeds[reading.prompt_id]

    def _open_streams(self) -> list[EventStream]:
        with self._lock:
            return list(self._streams)

    # ---- the thread -------------------------------------------------------------------------------------------------

    def _run(self, ear: Listener) -> None:
        try:
            with ear.subscribe(Scope.EVERYTHING) as subscription:
                with self._lock:
                    self._subscription = subscription
                    self._look_at = 0.0
                while not self._watch.is_stopping:
                    self._hear(subscription.wait(self._seconds_until_next()))
                    self._look()
                    self._tell()
        except Exception:
            log.exception("event streams broken off")
        finally:
            with self._lock:
                self._subscription = None
                self._is_running = False
                self._feeds = {}
            self.stop()  # they come back and find a new thread

    def _seconds_until_next(self) -> float:
        if self._urgent:
            return YIELD
        seconds = max(0.0, self._look_at - time.monotonic()) if self._feeds else LOOK_EVERY
        if self._due:
            seconds = min(seconds, max(YIELD, self._for_text.seconds_until_more))
        if self._round or self._due_in_round:
            seconds = min(seconds, max(YIELD, self._for_places.seconds_until_more))
        return seconds

    def _hear(self, notes: list[Note]) -> None:
        now = time.monotonic()
        while self._recent and self._recent[0][0] < now - REMEMBERED:
            self._recent.popleft()
        for note in notes:
            feed = self._feeds.get(note.prompt_id or "")
            match note:
                case Text():
                    self._recent.append((now, note))
                    if feed and feed.told:
                        self._hear_text(feed, note)
                case Written(prompt_id) if feed:
                    self._urgent[prompt_id] = None
                case Changed(None):
                    self._look_at = 0.0
                case Changed(str(prompt_id)):
                    self._line_may_have_moved = True
                    if feed:
                        self._urgent[prompt_id] = None

    def _hear_text(self, feed: LivePrompt, text: Text) -> None:
        before = feed.told
        if feed.hear(text):
            self._urgent[text.prompt_id] = None
        if feed.told is not before:
            self._have_told(feed, self._due)

    def _look(self) -> None:
        try:
            self._look_without_wake_up()
            if self._urgent:
                chosen = list(self._urgent)[:SLICE]
                for prompt_id in chosen:
                    del self._urgent[prompt_id]
                self._look_up(chosen, self._due)
            self._begin_round()
            if self._round and not self._due_in_round and not self._for_places.is_spent:
                began = time.monotonic()
                self._look_up([self._round.popleft() for _ in range(min(SLICE, len(self._round)))], self._due_in_round)
                self._for_places.spend(time.monotonic() - began)
        except StorageUnavailable as unavailable:
            self._moves = None  # so that whatever was missed is looked up when the storage is back
            if not self._is_lost:
                log.warning("storage unavailable reason=%s", unavailable)
            self._is_lost = True
        else:
            self._is_lost = False

    def _look_without_wake_up(self) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY
        self._line_may_have_moved = True
        with self._lock:
            feeds = list(self._feeds.items())
        self._urgent.update((prompt_id, None) for prompt_id, feed in feeds if feed.may_change_unheard)
        for stream in self._open_streams():
            if stream.connection.is_gone:
                stream.end()

    def _begin_round(self) -> None:
        """Begin a round through the line if it has moved since the last one began."""
        if self._round or not self._line_may_have_moved or not self._feeds:
            return
        moves = self._reader.read(lambda queue: queue.moves())
        self._line_may_have_moved = False
        if moves != self._moves:
            self._moves = moves
            with self._lock:
                self._round.extend(prompt_id for prompt_id, feed in self._feeds.items() if feed.is_queued)

    def _look_up(self, prompt_ids: list[str], due: dict[EventStream, None]) -> None:
        """Look up where these stand, and what text they have; who reads them is then `due` if there is news."""
        feeds = {one: feed for one in prompt_ids if (feed := self._feeds.get(one)) and not feed.is_over}
        if not feeds:
            return
        found = {one.prompt.id: one for one in self._reader.read(lambda queue: queue.progress_of(list(feeds)))}
        for prompt_id, feed in feeds.items():
            standing = found.get(prompt_id)
            if standing and feed.lacks_text(standing):
                standing = self._read_text(feed, standing)
            if feed.told is None:
                for _, text in self._recent:
                    if text.prompt_id == prompt_id:
                        feed.hear(text)
            if standing is None:
                feed.is_gone = True
                self._have_told(feed, due)
            elif feed.look(standing, self._estimates.eta(standing.prompt, standing.position)):
                self._have_told(feed, due)
        self._settle([one.prompt.id for one in found.values() if one.prompt.overdue])

    def _read_text(self, feed: LivePrompt, standing: Progress) -> Progress | None:
        """Read the text of a prompt that stands so; None if it has been deleted meanwhile."""
        try:
            text = self._reader.read(lambda queue: _text(queue, standing.prompt))
        except PromptNotFound:
            return None
        if text:
            feed.read(text)
        return standing

    def _have_told(self, feed: LivePrompt, due: dict[EventStream, None]) -> None:
        with self._lock:
            due.update(dict.fromkeys(feed.readers))

    def _tell(self) -> None:
        for due, allowance in ((self._due, self._for_text), (self._due_in_round, self._for_places)):
            while due and not allowance.is_spent:
                stream = next(iter(due))
                del due[stream]
                stream.ring()
                allowance.spend(TELLING)

    def _settle(self, overdue: list[str]) -> None:
        """Settle these on a thread of its own, because a commit may wait; its wake-up has them looked up again."""
        if overdue and not self._is_settling:
            self._is_settling = True
            threading.Thread(target=self._settle_here, args=[overdue], name="settling", daemon=True).start()

    def _settle_here(self, overdue: list[str]) -> None:
        try:
            self._standings.of_all(overdue)
        except (StorageUnavailable, PromptNotFound) as error:
            log.debug("prompt not settled reason=%s", error)  # the next round finds it overdue again, or gone
        finally:
            self._is_settling = False


def _text(queue: PromptQueue, prompt: Prompt) -> Text | None:
    """Read all the text there is of a prompt: the answer's, or what had come."""
    if prompt.outcome is not Outcome.SUCCEEDED:
        return queue.text(prompt.id)
    return Text(prompt.id, prompt.attempt, 0, text_of(queue.answer(prompt.id) or {}))
