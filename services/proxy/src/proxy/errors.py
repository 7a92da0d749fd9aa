"""What the proxy refuses, and what the queue's errors mean to a client. How that is written is each protocol's own."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from promptqueue import errors as queue_errors
from promptqueue.errors import PromptQueueError

STORAGE_RETRY_AFTER = 5  # seconds

MISDIRECTED = (
    "This server is not known by the name that the header Host gives it. Ask it by its address or as localhost, or "
    "have the name added to ALLOWED_HOSTS."
)


class Refused(Exception):
    """The request was refused."""

    status = 400
    code = "invalid_request"
    retry_after: int | None = None
    """Seconds; None where the same request would be refused again."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        """Say what happened, which field is meant if it is one, and what to do."""
        super().__init__(message)
        self.param = param


class InvalidRequest(Refused):
    """A field or header has a value that is not allowed."""


class InvalidJSON(Refused):
    """The body is not JSON."""

    code = "invalid_json"


class Unauthorized(Refused):
    """The request has no key that holds; which of them it is for, whether it is wrong or old, nobody is told."""

    status = 401
    code = "unauthorized"

    def __init__(self) -> None:
        """Say the one sentence there is."""
        super().__init__("This needs an API key, as Authorization: Bearer …, that is neither wrong nor over.")


class Forbidden(Refused):
    """The key holds, and is not for this."""

    status = 403
    code = "forbidden"


class NotFound(Refused):
    """There is nothing of this name."""

    status = 404
    code = "not_found"


class TooLarge(Refused):
    """The body is larger than the limit."""

    status = 413
    code = "too_large"


class UnsupportedModel(Refused):
    """Prompts are answered by another model."""

    status = 422
    code = "unsupported_model"


class TooManyStreams(Refused):
    """As many requests are held as the limit allows."""

    status = 503
    code = "too_many_streams"
    retry_after = 5


class Busy(Refused):
    """The bodies that are being read take all the memory that is set aside for them."""

    status = 503
    code = "busy"
    retry_after = 1


@dataclass(frozen=True)
class Meaning:
    """What an error of the queue means to a client, as a status of HTTP and a sentence.

    The error's own sentence may name files of this machine. It is sent only where `sentence` is None.
    """

    status: int
    sentence: str | None
    param: str | None = None
    retry_after: int | None = None  # seconds


MEANINGS: dict[type[PromptQueueError], Meaning] = {
    queue_errors.PromptNotFound: Meaning(
        404, "No prompt has this id. It may have been deleted, or pruned after the retention time."
    ),
    queue_errors.PromptDeleted: Meaning(
        410, "The prompt of this Idempotency-Key was deleted. Use a new key to submit it again.", "Idempotency-Key"
    ),
    queue_errors.IdempotencyConflict: Meaning(
        409, "This Idempotency-Key was used with another body. Send the same body, or use a new key.", "Idempotency-Key"
    ),
    queue_errors.QueueFull: Meaning(
        429, "The queue is full, so the prompt was not accepted. Try again after Retry-After seconds."
    ),
    queue_errors.QuotaExceeded: Meaning(429, None, retry_after=60),  # the janitor erases each minute
    queue_errors.NotRetryable: Meaning(409, None),
    queue_errors.StorageUnavailable: Meaning(
        503,
        "The queue's database cannot be used; nothing was changed. Try again after Retry-After seconds.",
        retry_after=STORAGE_RETRY_AFTER,
    ),
    queue_errors.CommitUnknown: Meaning(
        503,
        "It is not known whether this reached the disk: it may have been accepted. Send it again after Retry-After "
        "seconds, with its Idempotency-Key: without one it may be accepted twice.",
        retry_after=STORAGE_RETRY_AFTER,
    ),
    queue_errors.StorageFull: Meaning(
        503,
        "What is stored, or the disk, leaves no room for another prompt. Delete prompts that are done with, or try "
        "again after Retry-After seconds.",
        retry_after=60,  # the janitor erases each minute
    ),
}


def meaning(error: PromptQueueError, *, until_a_place_is_free: Callable[[], int]) -> Meaning | None:
    """Say what an error means to a client; None for one that no request can cause unless the proxy has a bug.

    After how many seconds the line has a place again it asks only where one is lacking.
    """
    known = next((MEANINGS[each] for each in type(error).__mro__ if each in MEANINGS), None)
    match error:
        case queue_errors.QueueFull() if known:
            return replace(known, retry_after=until_a_place_is_free())
        case queue_errors.QuotaExceeded(limit=limit, retry_after=seconds) if known:
            if limit == "waiting":
                seconds = until_a_place_is_free()
            return replace(known, param=limit, retry_after=known.retry_after if seconds is None else math.ceil(seconds))
        case _:
            return known
