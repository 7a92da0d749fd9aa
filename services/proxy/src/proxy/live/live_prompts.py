"""The live prompts of this process: one for each prompt that somebody follows, kept up to date by one thread."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING

from promptqueue.notes import Scope, Written

from proxy.live.following import Following
from proxy.live.live_prompt import LivePrompt
from proxy.live.updates import Updates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from promptqueue.notes import Listener, Subscription
    from promptqueue.prompt import Progress

    from proxy.live.cursor import Cursor
    from proxy.live.lookup import Lookup
    from proxy.live.places import Places
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
        self._followings: dict[Following, Connection] = {}
        self._subscription: Subscription | None = None
        self._is_running = False

    def follow(
        self, found: Iterable[Progress], cursors: Mapping[str, Cursor | None], connection: Connection
    ) -> Following:
        """Follow prompts that were found to stand so, each from its cursor on, until the following is closed.

        While one of them has not ended, a place is taken, and the following ends within 250 ms of the client's leaving.
        Raises StorageUnavailable and TooManyStreams.
        """
        prompts = {one.prompt.id: one.prompt for one in found}
        following = Following({one: cursor and cursor.within(prompts[one]) for one, cursor in cursors.items()})
        try:
            if any(prompt.outcome is None for prompt in prompts.values()):
                following.on_close.append(self._places.take(connection, following.end))
            if following.prompt_ids:
                self._join(following, connection, self._listener.get())
        except BaseException:
            following.close()
            raise
        return following

    def _join(self, following: Following, connection: Connection, listener: Listener | None) -> None:
        with self._lock:
            if listener is None or self._listener.is_closed:
                following.end()
                return
            self._followings[following] = connection
            followed = {prompt_id: self._live_prompt(prompt_id) for prompt_id in following.prompt_ids}
            following.on_close.append(partial(self._leave, following, followed))
            for live in followed.values():
                live.readers.append(following.wake)
            following.begin(followed)
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, args=[listener], name="live prompts", daemon=True).start()
            elif self._subscription:
                for prompt_id in followed:
                    self._subscription.put(Written(prompt_id))  # to be looked up, though nothing was committed

    def _live_prompt(self, prompt_id: str) -> LivePrompt:
        """Give the live prompt of this id: a new one where the end is known, for it may have been retried since."""
        live = self._prompts.get(prompt_id)
        if live is None or live.is_over:
            live = self._prompts[prompt_id] = LivePrompt()
        return live

    def stop(self) -> None:
        """Let every following end now."""
        with self._lock:
            followings = list(self._followings)
        for following in followings:
            following.end()

    def cut(self) -> None:
        """Break the connections of the readers that have not come to their end."""
        with self._lock:
            connections = list(self._followings.values())
        for connection in connections:
            connection.cut()

    def _leave(self, following: Following, followed: Mapping[str, LivePrompt]) -> None:
        with self._lock:
            del self._followings[following]
            for prompt_id, live in followed.items():
                live.readers.remove(following.wake)
                if not live.readers and self._prompts.get(prompt_id) is live:
                    del self._prompts[prompt_id]

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
