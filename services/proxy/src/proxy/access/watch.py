"""The watch: what is held open ends once the key by which it was asked for does."""

import threading
import time
from collections.abc import Callable

from proxy.access.asker import Asker
from proxy.access.keyring import LOOK_EVERY, Keyring

End = Callable[[], None]


class Watch:
    """Looks twice a second, at one time for all, for as long as anything is held."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._lock = threading.Lock()
        self._held: dict[Asker, dict[object, End]] = {}
        self._is_looking = False

    def add(self, asker: Asker, held: object, end: End) -> None:
        """Call `end` within two seconds of the asker's key having been revoked, or its time being over.

        It is called on another thread, and must not block.
        """
        with self._lock:
            self._held.setdefault(asker, {})[held] = end
            if not self._is_looking:
                self._is_looking = True
                threading.Thread(target=self._look, name="watch", daemon=True).start()

    def remove(self, asker: Asker, held: object) -> None:
        """Hold this no more."""
        with self._lock:
            of_this = self._held.get(asker, {})
            of_this.pop(held, None)
            if not of_this:
                self._held.pop(asker, None)

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_EVERY)
            with self._lock:
                if not self._held:
                    self._is_looking = False
                    return
                askers = list(self._held)
            for asker in askers:
                if not self._keyring.knows(asker):
                    self._end(asker)

    def _end(self, asker: Asker) -> None:
        with self._lock:
            ends = list(self._held.pop(asker, {}).values())
        for end in ends:
            end()
