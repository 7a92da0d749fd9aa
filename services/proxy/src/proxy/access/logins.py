"""Logins: which keys were used in which hour, and how many that do not hold came from which address."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable

from promptqueue import PromptQueue
from promptqueue.errors import StorageUnavailable
from promptqueue.owners.deed import Act, Deed
from promptqueue.owners.key import HOUR

from proxy.access.asker import Asker
from proxy.serving.connection import network
from proxy.storage.writer import Writer

TELL_EVERY = 60.0  # seconds
MOST_ADDRESSES = 1_000  # that are told apart within a minute
MOST_DEEDS = 50  # of a minute, or who asks from many addresses could fill the audit
OTHERS = "other addresses"

log = logging.getLogger(__name__)


class Logins:
    """Notes a key's use once an hour, and once a minute what was refused: into the log and into the queue's audit."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._lock = threading.Lock()
        self._hours: dict[str, int] = {}  # by the key's name, in which its use was noted last
        self._refused: Counter[str] = Counter()  # by address
        self._is_telling = False

    def admit(self, asker: Asker) -> None:
        """Note that the asker's key was used; its use in this hour is written soon, and no more than once."""
        if asker.key is None:
            return
        name, hour = asker.key.name, int(time.time() // HOUR)
        if self._hours.get(name) != hour:
            self._hours[name] = hour
            self._writer.owe(lambda queue: queue.note_use([name]))

    def refuse(self, address: str | None) -> None:
        """Count a key that does not hold; what it was is kept nowhere."""
        host = network(address or "") or "no address"
        with self._lock:
            is_new = host not in self._refused
            self._refused[OTHERS if is_new and len(self._refused) >= MOST_ADDRESSES else host] += 1
            if not self._is_telling:
                self._is_telling = True
                threading.Thread(target=self._tell_each_minute, name="refused logins", daemon=True).start()

    def tell(self) -> None:
        """Write what was refused since it was told last; what the audit does not take stands in the log alone."""
        with self._lock:
            refused, self._refused = self._refused, Counter()
        if not refused:
            return
        total = refused.total()
        del refused[OTHERS]
        told = refused.most_common(MOST_DEEDS)
        if left := total - sum(count for _, count in told):
            told.append((OTHERS, left))
        for host, count in told:
            log.warning("logins refused address=%r count=%d", host, count)
        deeds = [Deed(who=host, what=Act.LOGINS_REFUSED, to=f"{count} within a minute") for host, count in told]
        try:
            self._writer.do(lambda queue: _record(queue, deeds))
        except StorageUnavailable as unavailable:
            log.warning("logins refused are not in the audit reason=%r", str(unavailable))

    def _tell_each_minute(self) -> None:
        while True:
            time.sleep(TELL_EVERY)
            with self._lock:
                if not self._refused:
                    self._is_telling = False
                    return
            self.tell()


def _record(queue: PromptQueue, deeds: Iterable[Deed]) -> None:
    for deed in deeds:
        queue.record(deed)
