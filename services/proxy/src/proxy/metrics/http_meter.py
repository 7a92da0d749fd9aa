"""The meter that counts, with Prometheus's library: over all processes where they share a folder (`folder`)."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, values
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from proxy.meter import Kept, Meter

METHODS = {"GET", "HEAD", "POST", "DELETE", "OPTIONS"}
OTHER = "other"
"""Stands for what a client makes up: a method that nothing here takes, an address that there is not."""

BRACES = str.maketrans("<>", "{}")
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
COMMIT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
BATCH = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # requests


class HTTPMeter(Meter):
    """Counts what this process serves."""

    def __init__(self, *, most_held: int) -> None:
        """Begin to count; `most_held` is how many this process may hold."""
        disable_created_metrics()  # type: ignore[no-untyped-call]  # several processes have none
        self._registry = registry = CollectorRegistry(auto_describe=False)
        self._requests = Counter(
            "ollama_proxy_http_requests",
            "Requests that were answered, by method, rule of the address and class of the status.",
            ["method", "endpoint", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "ollama_proxy_http_request_duration_seconds",
            "Seconds from a request's head to its answer's, for held ones the wait included.",
            ["method", "endpoint"],
            buckets=SECONDS,
            registry=registry,
        )
        self._refusals = Counter(
            "ollama_proxy_http_refusals",
            "Requests that were refused, by the code of the error.",
            ["code"],
            registry=registry,
        )
        self._held = Gauge(
            "ollama_proxy_http_held",
            "Connections that are held: requests with ?wait=, event streams, calls of other protocols.",
            ["kind"],
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._commit_seconds = Histogram(
            "ollama_proxy_commit_duration_seconds",
            "Seconds that a transaction of the proxy's took, its turn and the disk included.",
            buckets=COMMIT_SECONDS,
            registry=registry,
        )
        self._commit_requests = Histogram(
            "ollama_proxy_commit_requests",
            "Requests that shared a transaction of the proxy's.",
            buckets=BATCH,
            registry=registry,
        )
        Gauge(
            "ollama_proxy_http_held_limit",
            "Connections that may be held, MAX_STREAMS in each process.",
            multiprocess_mode="livesum",
            registry=registry,
        ).set(most_held)
        for kept in Kept:
            self._held.labels(kept)

    def answered(self, method: str, endpoint: str | None, status: int, seconds: float) -> None:
        """See `Meter`."""
        method, endpoint = method if method in METHODS else OTHER, _path(endpoint)
        self._requests.labels(method, endpoint, f"{status // 100}xx").inc()
        self._seconds.labels(method, endpoint).observe(seconds)

    def refused(self, code: str) -> None:
        """See `Meter`."""
        self._refusals.labels(code).inc()

    def held(self, kept: Kept, change: int) -> None:
        """See `Meter`."""
        self._held.labels(kept).inc(change)

    def committed(self, requests: int, seconds: float) -> None:
        """See `Meter`."""
        self._commit_seconds.observe(seconds)
        self._commit_requests.observe(requests)

    def collect(self) -> Iterable[Metric]:
        """Give what was counted, by all processes that share a folder."""
        is_shared = values.ValueClass is not values.MutexValue
        if is_shared:
            return list(MultiProcessCollector(None).collect())  # type: ignore[no-untyped-call]
        return self._registry.collect()


def _path(endpoint: str | None) -> str:
    """Write the rule of an address as the documents do: /api/v1/prompt/{prompt_id}."""
    return OTHER if endpoint is None else endpoint.translate(BRACES)
