"""The listener that all who wait in this process share."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from promptqueue.notes import Listener


class SharedListener:
    """Opened when somebody first waits: after the fork, and never in vain."""

    def __init__(self, listen: Callable[[], Listener]) -> None:
        """Open it with `listen`."""
        self._listen = listen
        self._lock = threading.Lock()
        self._listener: Listener | None = None
        self.is_closed = False

    def get(self) -> Listener | None:
        """Give the listener; None once it was closed, so that nobody waits any more. Raises StorageUnavailable."""
        with self._lock:
            if self._listener is None and not self.is_closed:
                self._listener = self._listen()
            return self._listener

    def close(self) -> None:
        """Wake all who wait, for good."""
        with self._lock:
            self.is_closed = True
            listener, self._listener = self._listener, None
        if listener:
            listener.close()
