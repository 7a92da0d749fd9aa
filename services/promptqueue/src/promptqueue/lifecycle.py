"""What follows from what: the pure rules of a prompt's life, the same for every backend.

```
            claim                finish, cancel, timeout
  queued ──────────► processing ─────────────────────────► completed
    ▲  │                 │                                     ▲
    │  └─────────────────┼── cancel, expiry, lost client ──────┘
    └────────────────────┘ release, failure with budget left, lost worker
```
"""

from dataclasses import dataclass
from typing import assert_never

from promptqueue.prompt import Answered, Ending, ErrorCode, Failed, Outcome, Prompt, PromptError, PutBack, Status

LONGEST_RETRY_DELAY = 60.0  # seconds
LONGEST_MESSAGE = 300  # characters
KEY_LIFETIME = 24 * 3600.0  # seconds for which an Idempotency-Key is known

GRACE = 1.0
"""Seconds for which others leave a prompt that ran out of time to its own worker, which knows the last of its text."""

SIGN_GRACE = 5.0
"""Seconds after its last renewal for which a worker that is out of sight is not taken for dead, on another machine."""

HOLDER_GRACE = 60.0
"""Seconds that clients have to come again for prompts whose holder was found gone; then nobody waits for them."""

ANSWER_KEPT = 60.0
"""Seconds after its completion for which a client may still come for a prompt whose holder is gone."""

CANCELLED = PromptError(code=ErrorCode.CANCELLED, message="The prompt was cancelled.")
ABANDONED = PromptError(code=ErrorCode.CANCELLED, message="The prompt was cancelled: its client is gone.")
EXPIRED = PromptError(code=ErrorCode.EXPIRED, message="The prompt was not started within the time it may wait.")
TIMED_OUT = Failed(cause="The prompt ran longer than it may.", code=ErrorCode.TIMED_OUT)
LOST_WORKER = Failed(cause="the worker that held it is gone")
LOST_LEASE = Failed(cause="the worker that held it stopped renewing its lease")


@dataclass(frozen=True, kw_only=True, slots=True)
class Next:
    """Where a processing prompt goes. `delay` is in seconds and says how long a queued one must not be claimed."""

    status: Status
    outcome: Outcome | None = None
    error: PromptError | None = None
    failures: int
    delay: float = 0.0
    last_error: str | None = None  # why it was put back; None leaves what is known
    is_bad_end: bool = False  # an end that nobody can explain
    is_charged: bool = True  # the owner pays for the seconds that it took


def after(ending: Ending, *, failures: int, max_failures: int, bad_ends: int = 0) -> Next:
    """Say where a processing prompt goes, by how it ended and its failures and unexplained (bad) ends before that."""
    match ending:
        case Answered():
            return Next(status=Status.COMPLETED, outcome=Outcome.SUCCEEDED, failures=failures)
        case Failed(cause=cause, code=ErrorCode() as code):
            return _failed(code, cause, failures)
        case Failed(cause=cause) | PutBack(cause=cause, counts=True) if failures + 1 >= max_failures:
            message = _clipped(f"Gave up after {failures + 1} failed attempts; the last: {cause}")
            return _failed(ErrorCode.ATTEMPTS_EXHAUSTED, message, failures + 1)
        case Failed(cause=cause):
            return Next(status=Status.QUEUED, failures=failures + 1, delay=retry_delay(failures + 1), last_error=cause)
        case PutBack(cause=cause, counts=counts, delay=delay):
            return Next(
                status=Status.QUEUED,
                failures=failures + counts,
                delay=retry_delay(bad_ends + 1) if delay is None else delay,
                last_error=cause,
                is_bad_end=True,
                is_charged=counts,
            )
        case _:
            assert_never(ending)


def _failed(code: ErrorCode, message: str, failures: int) -> Next:
    error = PromptError(code=code, message=message)
    return Next(status=Status.COMPLETED, outcome=Outcome.FAILED, error=error, failures=failures)


def loss(*, now: float, run_until: float, leased_until: float, is_alive: bool) -> Failed | None:
    """Say how an attempt was lost, by seconds of one clock; None while its worker `is_alive` and keeps its time."""
    if run_until + GRACE <= now and run_until <= leased_until:
        return TIMED_OUT
    if leased_until <= now:
        return LOST_LEASE
    return None if is_alive else LOST_WORKER


def is_in_sight(*, now: float, leased_until: float, lease_seconds: float) -> bool:
    """Whether a worker that nobody sees any more may live: its lock may have got lost alone, with the way to it."""
    return now < leased_until - lease_seconds + SIGN_GRACE


def _clipped(message: str) -> str:
    return message if len(message) <= LONGEST_MESSAGE else message[: LONGEST_MESSAGE - 1] + "…"


def why_not_retryable(prompt: Prompt, *, is_erased: bool) -> str | None:
    """Say why a completed prompt cannot go back into the line; None where it can."""
    if prompt.outcome is Outcome.SUCCEEDED:
        return "The prompt has its answer. Submit it again for another one."
    if prompt.error and not prompt.error.code.retryable:
        return "The prompt would be refused again for the same reason. Submit another one."
    if is_erased:
        return "The prompt never ran, and its text was erased since. Submit it again."
    return None


def retry_delay(failures: int) -> float:
    """Seconds to wait before the attempt that follows this many bad ends: none at first, then 2, 4, 8 … 60."""
    doublings = min(failures - 1, 6)  # 64 is past the longest, and 2.0 ** 1024 no float
    return 0.0 if failures <= 1 else min(2.0**doublings, LONGEST_RETRY_DELAY)
