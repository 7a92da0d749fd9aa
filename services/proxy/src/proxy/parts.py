"""The parts of one proxy process, made once and handed to whatever serves requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from proxy.estimates import Estimates
from proxy.reader import Reader
from proxy.storage import opener
from proxy.watch import Watch
from proxy.writer import Writer

if TYPE_CHECKING:
    from proxy.concurrency import Greenlets, Threads
    from proxy.config import Config


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What requests are served with."""

    config: Config
    concurrency: Threads | Greenlets
    writer: Writer
    reader: Reader
    estimates: Estimates
    watch: Watch

    @classmethod
    def of(cls, config: Config, concurrency: Threads | Greenlets) -> Self:
        """Make the parts of this process. Call it after a fork: the writer's thread would not survive one."""
        open_queue = opener(config)
        reader = Reader(open_queue, concurrency)
        return cls(
            config=config,
            concurrency=concurrency,
            writer=Writer(open_queue, concurrency),
            reader=reader,
            estimates=Estimates(reader),
            # Here: a listener that was made on a thread of gevent's pool would listen there, and so never.
            watch=Watch(lambda: reader.here(lambda queue: queue.listen()), limit=config.max_streams),
        )

    def stop(self) -> None:
        """Let held requests answer at once."""
        self.watch.stop()

    def close(self) -> None:
        """Let held requests answer, finish what was accepted, and let go of the queue."""
        self.watch.stop()
        self.writer.close()
        self.reader.close()
