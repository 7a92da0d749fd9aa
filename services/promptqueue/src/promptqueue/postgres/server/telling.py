"""Telling: lets all who listen hear what was committed, and live text. Nobody waits for it, and no commit fails of it.

What was committed is told afterwards and by itself: a NOTIFY inside a transaction takes a lock of the whole server
until that is on the disk, so that eight writers together commit less often than one alone.
"""

import logging
import threading
import time
from collections.abc import Collection
from itertools import chain

import psycopg

from promptqueue.errors import StorageUnavailable
from promptqueue.notes import Text
from promptqueue.postgres.server import payload
from promptqueue.postgres.server.session import Sessions

TOGETHER = 0.02  # seconds within which live text of all slots goes together: each notification wakes every listener

NOTIFY = "SELECT set_config('synchronous_commit', 'off', true), pg_notify(%(channel)s, %(message)s)"

log = logging.getLogger(__name__)


class Teller:
    """Tells for one process. Safe for all of its threads."""

    def __init__(self, sessions: Sessions) -> None:
        """Tell nothing yet; the thread for live text begins with the first of it."""
        self._sessions = sessions
        self._lock = threading.Lock()
        self._texts: dict[tuple[str, int], list[Text]] = {}
        self._came = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def tell(self, changed: Collection[str | None], written: Collection[str]) -> None:
        """Say that something was committed about these prompts, None for any, or more of their text was written."""
        if changed:
            self._notify(payload.CHANGES, payload.of_ids("changed", changed))
        if written:
            self._notify(payload.TEXTS, payload.of_ids("written", written))

    def stream(self, text: Text) -> None:
        """Send live text soon, together with what else comes meanwhile."""
        with self._lock:
            pieces = self._texts.setdefault((text.prompt_id, text.attempt), [])
            if pieces and pieces[-1].offset + len(pieces[-1].text) == text.offset:
                last = pieces.pop()
                text = Text(text.prompt_id, text.attempt, last.offset, last.text + text.text)
            pieces.append(text)
            if self._thread is None:
                self._thread = threading.Thread(target=self._stream, name="telling", daemon=True)
                self._thread.start()
        self._came.set()

    def close(self) -> None:
        """Send no more."""
        self._is_closed = True
        self._came.set()

    def _stream(self) -> None:
        while not self._is_closed:
            self._came.wait()
            self._came.clear()
            with self._lock:
                texts, self._texts = [*chain.from_iterable(self._texts.values())], {}
            for message in payload.of_texts(texts):
                self._notify(payload.TEXTS, message)
            time.sleep(TOGETHER)  # what comes meanwhile goes together; what comes later goes at once

    def _notify(self, channel: str, message: str) -> None:
        try:
            with self._sessions.borrowed() as session:
                session.execute(NOTIFY, {"channel": channel, "message": message})
        except (psycopg.Error, StorageUnavailable) as error:  # the commit stands; whoever waits also looks now and then
            log.debug("not told channel=%s error=%s", channel, error)
