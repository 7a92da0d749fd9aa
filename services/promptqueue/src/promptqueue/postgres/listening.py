"""Listening: how a process hears what happens to prompts, in whichever process and on whichever host."""

import logging
import threading
from contextlib import AbstractContextManager

import psycopg

from promptqueue.errors import StorageUnavailable
from promptqueue.notes import Changed, Subscriptions
from promptqueue.postgres.server import payload
from promptqueue.postgres.server.session import Session, Sessions, let_go

LOOK_EVERY = 1.0  # seconds after which a listener sees that it is to end
AGAIN_AFTER = 0.5  # seconds after which a server that is away is tried again

log = logging.getLogger(__name__)


class NotificationListener(Subscriptions, AbstractContextManager["NotificationListener"]):
    """Hears by one session and one thread, for any number of subscriptions."""

    def __init__(self, sessions: Sessions, *, texts: bool = True) -> None:
        """Listen from now on. Raises StorageUnavailable."""
        super().__init__()
        self._sessions = sessions
        self._channels = (payload.CHANGES, payload.TEXTS) if texts else (payload.CHANGES,)
        self._closed = threading.Event()
        self._session: Session | None = self._listening()
        self._thread = threading.Thread(target=self._listen, name="listening", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self.hand_out(Changed(None))
        self._thread.join(2 * LOOK_EVERY)

    def __exit__(self, *_: object) -> None:
        self.close()

    def _listening(self) -> Session:
        session = self._sessions.open()
        try:
            for channel in self._channels:
                session.execute(f"LISTEN {channel}", prepare=False)
        except psycopg.Error as error:
            let_go(session)
            message = f"The queue's PostgreSQL does not let us listen: {error}."
            raise StorageUnavailable(message) from error
        return session

    def _listen(self) -> None:
        while not self._closed.is_set():
            if self._session is None:
                self._listen_again()
                continue
            try:
                for notify in self._session.notifies(timeout=LOOK_EVERY):
                    for note in payload.notes(notify.payload):
                        self.hand_out(note)
            except psycopg.Error as error:
                log.debug("no longer listening error=%s", error)
                let_go(self._session)
                self._session = None
        if self._session:
            let_go(self._session)

    def _listen_again(self) -> None:
        try:
            self._session = self._listening()
        except StorageUnavailable as unavailable:
            log.debug("not listening again reason=%s", unavailable)
            self._closed.wait(AGAIN_AFTER)
        else:
            self.hand_out(Changed(None))  # for all that was not heard meanwhile
