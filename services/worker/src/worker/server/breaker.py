"""The breaker: after three bad ends in a row one prompt at a time is tried, ever more seldom, until one succeeds."""

import time
from collections.abc import Callable

ENOUGH = 3  # bad ends in a row, whoever's they are
FIRST_PAUSE = 1.0  # seconds
LONGEST_PAUSE = 30.0  # seconds


class Breaker:
    """Counts bad ends that nobody can explain, and decides when the next prompt is tried. For one thread at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing wrong."""
        self._clock = clock
        self._in_a_row = 0
        self._pause = 0.0
        self._trial: object = None
        self.retry_at = float("-inf")
        """When the next prompt is tried, by the clock."""

    @property
    def is_open(self) -> bool:
        """Whether the server is in trouble, so that only one prompt at a time may be tried."""
        return self._in_a_row >= ENOUGH

    @property
    def is_trying(self) -> bool:
        """Whether a prompt is being tried."""
        return self._trial is not None

    def may_claim(self, who: object) -> bool:
        """Whether `who` may claim a prompt; while the breaker is open that is the trial, until `who` is done."""
        if not self.is_open:
            return True
        if self.is_trying or self._clock() < self.retry_at:
            return False
        self._trial = who
        return True

    def succeeded(self) -> bool:
        """An answer came: nothing is wrong any more. Whether something was."""
        was_open = self.is_open
        self._in_a_row, self._pause, self.retry_at = 0, 0.0, float("-inf")
        return was_open

    def failed(self, who: object, *, pause: float | None = None) -> bool:
        """A prompt of `who` came to a bad end; whether that decides when the next one is tried.

        It is tried after `pause` seconds, or else after twice as long as the last time.
        """
        self._in_a_row += 1
        if self._in_a_row != ENOUGH and not (self.is_open and self._trial is who):
            return False
        self._pause = min(2 * self._pause or FIRST_PAUSE, LONGEST_PAUSE) if pause is None else pause
        self.retry_at = self._clock() + self._pause
        return True

    def suspects(self) -> None:
        """Nobody knows whether the server can serve: one prompt is tried first, at once."""
        self._in_a_row = max(self._in_a_row, ENOUGH)
        self.retry_at = self._clock()

    def done(self, who: object) -> bool:
        """`who` has no prompt in hand any more; whether it was being tried."""
        if self._trial is not who:
            return False
        self._trial = None
        return True
