"""Why a call gets no answer, before a protocol puts it into its own words."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What went wrong, as far as protocols tell it apart."""

    INVALID = "invalid"  # what was asked cannot be: a field, a header, a body that is no JSON
    REFUSED = "refused"  # the model server refused this very prompt
    TOO_LONG = "too_long"  # the prompt is longer than the model's context
    TOO_LARGE = "too_large"  # the body is larger than bodies may be
    UNKNOWN_MODEL = "unknown_model"
    NOT_FOUND = "not_found"
    WRONG_METHOD = "wrong_method"
    MISDIRECTED = "misdirected"  # asked under a name that is not this server's
    UNAUTHORIZED = "unauthorized"  # without a key that holds
    FORBIDDEN = "forbidden"
    CONFLICT = "conflict"  # its Idempotency-Key came with another body
    GONE = "gone"  # cancelled by somebody else, expired, or deleted
    FULL = "full"  # the queue is full: not accepted
    QUOTA = "quota"  # its owner has as much as it may have: not accepted
    UNAVAILABLE = "unavailable"  # it can be taken soon: the storage does not answer, too many calls are held
    UNSUPPORTED = "unsupported"  # nothing here does this
    FAILED = "failed"  # it was tried, and there is no answer
    MISTAKE = "mistake"  # a bug of the proxy


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """What went wrong, in a sentence for the client, and what it may do."""

    kind: Kind
    code: str  # of this API: `queue_full`, `attempts_exhausted`, …
    message: str
    param: str | None = None  # the field that is meant
    retry_after: int | None = None  # seconds
    allowed: tuple[str, ...] = ()  # methods, where the kind is WRONG_METHOD
    prompt_id: str | None = None  # of the prompt, where one was accepted
