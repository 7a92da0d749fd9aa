"""Attendance: this process's entry among those that hold clients' calls, by which others know that it lives."""

import threading
from collections.abc import Callable

from promptqueue.storage import Presence


class Attendance:
    """Entered when somebody first calls: after the fork, and never in vain."""

    def __init__(self, attend: Callable[[], Presence]) -> None:
        self._attend = attend
        self._lock = threading.Lock()
        self._presence: Presence | None = None

    @property
    def id(self) -> str:
        """The process's name as a holder; the entry is there. Raises StorageUnavailable."""
        with self._lock:
            if self._presence is None:
                self._presence = self._attend()
            else:
                self._presence.stay()
            return self._presence.id

    def leave(self) -> None:
        """Take the entry back: whoever asks again finds prompts that nobody holds."""
        with self._lock:
            presence, self._presence = self._presence, None
        if presence:
            presence.leave()
