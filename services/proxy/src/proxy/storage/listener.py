"""The listener that all who wait in this process share."""

import logging
import threading
from collections.abc import Callable

from promptqueue.errors import StorageUnavailable
from promptqueue.logs import Once
from promptqueue.notes import Listener

log = logging.getLogger(__name__)


class SharedListener:
    """Opened when somebody first waits: after the fork, and never in vain."""

    def __init__(self, listen: Callable[[], Listener]) -> None:
        self._listen = listen
        self._lock = threading.Lock()
        self._listener: Listener | None = None
        self._trouble = Once(log)
        self.is_closed = False

    def get(self) -> Listener | None:
        """Give the listener; None once it was closed, so that nobody waits any more. Raises StorageUnavailable."""
        with self._lock:
            if self._listener is None and not self.is_closed:
                try:
                    self._listener = self._listen()
                except StorageUnavailable as unavailable:
                    self._trouble.warn("storage unavailable reason=%r", str(unavailable))
                    raise
                self._trouble.well("storage is back")
            return self._listener

    def close(self) -> None:
        """Wake all who wait, for good."""
        with self._lock:
            self.is_closed = True
            listener, self._listener = self._listener, None
        if listener:
            listener.close()
