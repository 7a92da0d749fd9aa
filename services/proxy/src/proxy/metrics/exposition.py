"""The exposition: all metrics of one moment, as Prometheus reads them."""

from collections.abc import Callable, Iterable

from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from promptqueue.errors import StorageUnavailable

from proxy.meter import Meter
from proxy.metrics.families import Seen, families
from proxy.parts import Parts


class Exposition:
    """Writes what the queue's database says, and what the meter has counted."""

    def __init__(self, parts: Parts, meter: Meter) -> None:
        self._config = parts.config
        self._whole_queue = parts.whole_queue
        self._concurrency = parts.concurrency
        self._meter = meter

    def write(self, accept: str) -> tuple[bytes, str]:
        """Give Prometheus's text or OpenMetrics, whichever a header Accept prefers, and its content type."""
        seen = self._look()

        def encode() -> tuple[bytes, str]:
            encoder, content_type = _encoder(accept)
            found = [*families(seen, self._config), *self._meter.collect()]
            return encoder(_Collected(found)), content_type

        return self._concurrency.alone(encode)

    def _look(self) -> Seen | None:
        try:
            found = self._whole_queue.overview()
            return Seen(
                counts=found.counts,
                workers=found.workers,
                model=found.model,
                servers=found.servers,
                room=self._whole_queue.room(),
                measures=self._whole_queue.measures(),
                turns=self._whole_queue.turns() if self._config.metrics_owners == "yes" else None,
            )
        except StorageUnavailable:  # which is what the rest then tells
            return None


class _Collected(Collector):
    """Families that were collected already."""

    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def _encoder(accept: str) -> tuple[Callable[[Collector], bytes], str]:
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is none
        return choose_encoder("")
