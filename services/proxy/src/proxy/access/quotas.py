"""Quotas: what of this process each owner has, held to its limits: requests a second, held requests and streams."""

import math
import threading
from collections import Counter

from promptqueue.errors import QuotaExceeded
from promptqueue.owners.owner import Owner

from proxy.access.limits import limits_of
from proxy.config import Config
from proxy.token_bucket import TokenBucket

SAVED = 5.0  # seconds, of which the requests may come at once
STREAMS_RETRY_AFTER = 5.0  # seconds


class Quotas:
    """Counts for each owner. One that is there has a key that holds, or is one of the two without: there are few."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._requests: dict[int, tuple[float, TokenBucket]] = {}  # by owner, with how many it may make a second
        self._streams: Counter[int] = Counter()

    def ask(self, owner: Owner) -> None:
        """Count a request. Raises QuotaExceeded beyond as many as may come in this moment, and does not count it."""
        a_second = limits_of(owner, self._config).requests_a_second
        if a_second is None:
            return
        with self._lock:
            before, bucket = self._requests.get(owner.number, (None, None))
            if bucket is None or before != a_second:
                bucket = TokenBucket(a_second=a_second, saved=max(1.0, SAVED * a_second))
                self._requests[owner.number] = (a_second, bucket)
            if not bucket.is_spent:
                bucket.spend(1)
                return
            retry_after = max(1.0, math.ceil(bucket.seconds_until_more))
        message = f"Your requests may be {a_second:g} a second, and more came: ask again after Retry-After seconds."
        raise QuotaExceeded(message, limit="requests_a_second", retry_after=retry_after)

    def hold(self, owner: Owner) -> None:
        """Count a request or a stream that is held. Raises QuotaExceeded where it would be one too many."""
        limit = limits_of(owner, self._config).streams
        with self._lock:
            if limit is None or self._streams[owner.number] < limit:
                self._streams[owner.number] += 1
                return
        message = f"Your held requests and streams are {limit} already, and more may not be: end one, or ask without."
        raise QuotaExceeded(message, limit="streams", retry_after=STREAMS_RETRY_AFTER)

    def let_go(self, owner: Owner) -> None:
        """Count one less that is held."""
        with self._lock:
            self._streams[owner.number] -= 1
            if not self._streams[owner.number]:
                del self._streams[owner.number]

    def streams(self, owner: Owner) -> int:
        """Say how many this owner has that are held."""
        return self._streams[owner.number]
