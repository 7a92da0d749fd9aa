"""The meter: what is counted of this process's work, for whoever watches the product."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

REFUSAL = "proxy.refusal"
"""Where the environ of a request names the code with which it was refused."""


class Kept(StrEnum):
    """What keeps a place, and a connection open, until there is something to say."""

    REQUEST = "request"  # `?wait=`
    STREAM = "stream"  # of events
    CALL = "call"  # of another protocol


class Meter:
    """Counts nothing, for nobody watches. `proxy.metrics.http_meter` has the one that counts."""

    def collect(self) -> Iterable[Any]:
        """Give what was counted, as Prometheus's library has it."""
        return ()

    def answered(self, method: str, endpoint: str | None, status: int, seconds: float) -> None:
        """Count a request by its method, the rule of its address and its status, and how long its first byte took."""

    def refused(self, code: str) -> None:
        """Count a refusal by its code."""

    def held(self, kept: Kept, change: int) -> None:
        """Count one more, or with -1 one less, that keeps a place."""

    def committed(self, requests: int, seconds: float) -> None:
        """Count a transaction of so many requests that write, and how long it took."""
