"""The lookout: who of a worker's idle slots looks for the next prompt, when all of them were woken by the same note."""

import threading
import time
from collections.abc import Callable

from promptqueue.prompt import Claim


class Lookout:
    """Lets one slot at a time look. When it finds nothing, those that were woken before it looked need not look too."""

    def __init__(self) -> None:
        """Have nobody look yet."""
        self._one = threading.Lock()
        self._looked_at = float("-inf")  # when the last look began that found nothing, by the monotonic clock

    def look(self, claim: Callable[[], Claim | None], *, patience: float) -> Claim | None:
        """Give what `claim` finds; None where it, or a look that began later than this call, found nothing.

        None as well where others have not done with looking within `patience` seconds. Raises what `claim` raises.
        """
        came_at = time.monotonic()
        if not self._one.acquire(timeout=patience):
            return None
        try:
            began_at = time.monotonic()
            if self._looked_at > came_at:
                return None
            found = claim()
            if found is None:
                self._looked_at = began_at
            return found
        finally:
            self._one.release()
