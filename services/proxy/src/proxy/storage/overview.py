"""The queue as a whole: what waits, who works, which model answers, how much is stored."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from promptqueue import PromptQueue, Storage
from promptqueue.condition import (
    DEFAULT_MODEL,
    Counts,
    Facts,
    Measures,
    Minute,
    Model,
    ModelState,
    Room,
    Server,
    Workers,
)
from promptqueue.errors import StorageUnavailable
from promptqueue.owners.deed import Act, Deed
from promptqueue.owners.turn import Turn

from proxy.storage.reader import Reader
from proxy.storage.writer import Writer

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The queue now."""

    counts: Counts
    workers: Workers
    reported: Model | None  # by a worker; None while none has
    servers: list[Server]  # of the living workers, in the order of their addresses

    @property
    def model(self) -> Model:
        """The model that answers. With no worker alive it is unreachable, whatever one reported before it left."""
        if self.reported and self.workers.count:
            return self.reported
        name = self.reported.name if self.reported else DEFAULT_MODEL
        detail = None if self.workers.count else "no worker is alive to tell"
        return Model(name=name, state=ModelState.UNREACHABLE, detail=detail)


class WholeQueue:
    """Reads what nobody asks of a single prompt. Everything here raises StorageUnavailable."""

    def __init__(self, storage: Storage, reader: Reader, writer: Writer) -> None:
        self._storage = storage
        self._reader = reader
        self._writer = writer

    def overview(self) -> Overview:
        """Say what waits, who works, which model answers, and how it is on each of its servers."""
        return self._reader.read(
            lambda queue: Overview(
                counts=queue.counts(), workers=queue.workers(), reported=queue.model(), servers=queue.servers()
            )
        )

    def history(self, minutes: int) -> list[Minute]:
        """Say what the queue did in each of the last minutes, the present one last."""
        return self._reader.read(lambda queue: queue.history(minutes))

    def facts(self) -> Facts | None:
        """Give what a model server last said of itself and of the model; None before any did."""
        return self._reader.read(lambda queue: queue.facts())

    def measures(self) -> Measures:
        """Say how many prompts have ended, and how long they took."""
        return self._reader.read(lambda queue: queue.measures())

    def turns(self) -> list[Turn]:
        """Say who waits, and what each has running."""
        return self._reader.read(lambda queue: queue.turns())

    def room(self) -> Room:
        """Say how much room the queue takes, and how much there is."""
        return self._reader.read(lambda queue: queue.room())

    def pause(self, paused: bool, *, by: str) -> None:
        """Stop or resume starting prompts, and record who had it done."""
        self._writer.do(lambda queue: _pause(queue, paused, by))
        log.info("queue %s by=%s", "paused" if paused else "resumed", by)

    def settle(self) -> None:
        """End or take back what is overdue. While nothing can be written everything stays as it is."""
        if self._reader.read(lambda queue: queue.is_behind()):
            with suppress(StorageUnavailable):
                self._writer.do(lambda queue: queue.recover())

    def storage(self) -> Mapping[str, str]:
        """Describe the storage to people, from a real read."""
        self._reader.read(lambda queue: queue.ping(), is_brief=True)
        return self._storage.describe()


def _pause(queue: PromptQueue, paused: bool, by: str) -> None:
    queue.pause(paused)
    queue.record(Deed(who=by, what=Act.PAUSED if paused else Act.RESUMED))
