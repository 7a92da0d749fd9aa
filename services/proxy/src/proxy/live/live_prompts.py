"""The live prompts of this process: one for each prompt that somebody follows, kept up to date by one thread."""

import logging
import threading
from collections.abc import Iterable, Mapping

from promptqueue.notes import Listener, Scope, Subscription, Written
from promptqueue.prompt import Progress

from proxy.access.asker import Asker
from proxy.live.cursor import Cursor
from proxy.live.following import Following
from proxy.live.live_prompt import Interest, LivePrompt
from proxy.live.lookup import Lookup
from proxy.live.places import Places
from proxy.live.updates import Updates
from proxy.meter import Kept
from proxy.serving.connection import Connection
from proxy.storage.listener import SharedListener
from proxy.storage.reader import Reader

log = logging.getLogger(__name__)


class LivePrompts:
    """Lets readers follow prompts."""

    def __init__(self, *, listener: SharedListener, places: Places, reader: Reader, lookup: Lookup) -> None:
        """Start nothing yet: the thread begins with the first reader."""
        self._listener = listener
        self._places = places
        self._reader = reader
        self._lookup = lookup
        self._lock = threading.Lock()
        self._prompts: dict[str, LivePrompt] = {}
        self._followings: set[Following] = set()
        self._subscription: Subscription | None = None
        self._is_running = False

    def follow(
        self,
        found: Iterable[Progress],
        cursors: Mapping[str, Cursor | None],
        connection: Connection,
        *,
        asker: Asker | None = None,
        interest: Interest = Interest.PLACES,
    ) -> Following:
        """Follow prompts that were found to stand so, each from its cursor on, until the following is closed.

        While one of them has not ended, the asker's place is taken. The following ends within 250 ms of the client's
        leaving, and within two seconds once the asker may ask no more. Whoever has a place already names no asker, sees
        to both and gives the place back. Beyond its `interest` it is woken for nothing. Raises StorageUnavailable and
        TooManyStreams.
        """
        prompts = {one.prompt.id: one.prompt for one in found}
        resumed = {prompt_id: cursor and cursor.within(prompts[prompt_id]) for prompt_id, cursor in cursors.items()}
        following = Following(resumed, connection, on_close=self._leave, interest=interest)
        if asker and any(prompt.outcome is None for prompt in prompts.values()):
            following.give_back = self._places.take(Kept.STREAM, asker, connection, following.end)
        try:
            if not following.is_over:
                self._join(following, self._listener.get())
        except BaseException:
            following.close()
            raise
        return following

    def _join(self, following: Following, listener: Listener | None) -> None:
        with self._lock:
            if listener is None or self._listener.is_closed:
                following.end()
                return
            self._followings.add(following)
            for reading in following.readings:
                if not reading.is_over:
                    reading.live = self._live_prompt(reading.prompt_id)
                    reading.live.readers[following.wake] = following.interest
                    if self._subscription:
                        self._subscription.put(Written(reading.prompt_id))  # to be looked up, whoever else follows it
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, args=[listener], name="live prompts", daemon=True).start()

    def _live_prompt(self, prompt_id: str) -> LivePrompt:
        """Give the live prompt of this id: a new one where the end is known, for it may have been retried since."""
        live = self._prompts.get(prompt_id)
        if live is None or live.is_over:
            live = self._prompts[prompt_id] = LivePrompt()
        return live

    def _leave(self, following: Following) -> None:
        with self._lock:
            self._followings.discard(following)
            for reading in following.readings:
                live, reading.live = reading.live, None
                if live:
                    del live.readers[following.wake]
                    if not live.readers and self._prompts.get(reading.prompt_id) is live:
                        del self._prompts[reading.prompt_id]
        if give_back := following.give_back:
            following.give_back = None
            give_back()

    def stop(self) -> None:
        """Let every following end now."""
        for following in self._all():
            following.end()

    def cut(self) -> None:
        """Break the connections of the readers that have not come to their end."""
        for following in self._all():
            following.connection.cut()

    def _all(self) -> list[Following]:
        with self._lock:
            return list(self._followings)

    def _run(self, listener: Listener) -> None:
        updates = Updates(self._prompts, reader=self._reader, lookup=self._lookup)
        try:
            with listener.subscribe(Scope.EVERYTHING) as subscription:
                with self._lock:
                    self._subscription = subscription
                while not self._listener.is_closed:
                    updates.take_turn(subscription.wait(updates.seconds_until_next))
        except Exception:
            log.exception("following broken off")
        finally:
            with self._lock:
                self._subscription = None
                self._is_running = False
                self._prompts.clear()
            self.stop()  # they come back and find a new thread
