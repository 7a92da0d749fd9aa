"""An errand: work that may take for ever, done in a thread of its own for somebody who must not wait so long."""

import threading
import time
from collections.abc import Callable, Generator
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from worker.ollama.plug import Plug

Item = TypeVar("Item")

LOOK_EVERY = 1.0  # seconds


class NotInTime(Exception):
    """The item did not come in time."""


class Over(Exception):
    """There are no more items."""


class Errand(Generic[Item]):
    """Has a thread of its own work out what `items` yields, each item when it is asked for.

    A read can be bounded only byte by byte, and the lookup of a name not at all, so whoever wants an answer within a
    time has to wait beside it. An errand that is closed early has its plug pulled; it ends at once, or, while it looks
    a name up, when that is done.
    """

    def __init__(self, items: Generator[Item], plug: Plug) -> None:
        """Start out."""
        self._items = items
        self._plug = plug
        self._wanted = threading.Semaphore(0)
        self._brought: SimpleQueue[Item | Exception] = SimpleQueue()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="errand", daemon=True)
        self._thread.start()

    def bring(self, within: float, meanwhile: Callable[[], None]) -> Item:
        """Wait at most `within` seconds for the next item, calling `meanwhile` about once a second.

        Raises NotInTime, Over, or what the work raised.
        """
        self._wanted.release()
        until = time.monotonic() + within
        while True:
            try:
                brought = self._brought.get(timeout=max(0.0, min(LOOK_EVERY, until - time.monotonic())))
            except Empty:
                if time.monotonic() >= until:
                    raise NotInTime from None
                meanwhile()
                continue
            if isinstance(brought, Exception):
                raise brought
            return brought

    def close(self) -> None:
        """Want nothing more of it."""
        self._is_closed = True
        self._plug.pull()
        self._wanted.release()

    def ends(self, within: float) -> bool:
        """Whether its thread ends within so many seconds."""
        self._thread.join(within)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while self._wanted.acquire() and not self._is_closed:
                self._brought.put(next(self._items))
        except StopIteration:
            self._brought.put(Over())
        except Exception as error:  # noqa: BLE001 (not swallowed: whoever waits for the item raises it)
            self._brought.put(error)
        finally:
            self._items.close()
