"""What the queue refuses, and why: one class, one sentence, one code."""


class PromptQueueError(Exception):
    """The queue could not do what was asked."""

    code = "queue_error"

    def __init__(self, message: str | None = None) -> None:
        """Say `message`, or the class's own sentence when there is nothing to add."""
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


class PromptNotFound(PromptQueueError):
    """No prompt has this id."""

    code = "not_found"


class PromptDeleted(PromptQueueError):
    """This Idempotency-Key belongs to a prompt that was deleted."""

    code = "deleted"


class IdempotencyConflict(PromptQueueError):
    """This Idempotency-Key was already used with another body."""

    code = "idempotency_conflict"


class QueueFull(PromptQueueError):
    """The queue holds as many waiting prompts as it may."""

    code = "queue_full"


class QuotaExceeded(PromptQueueError):
    """The owner has as much as it may have."""

    code = "quota_exceeded"

    def __init__(self, message: str | None = None, *, limit: str = "", retry_after: float | None = None) -> None:
        """Say which `limit` it is, a field of `owners.owner.Limits`, and after how many seconds it may be otherwise."""
        super().__init__(message)
        self.limit = limit
        self.retry_after = retry_after


class StorageFull(PromptQueueError):
    """What is stored, or the disk, leaves no room for another prompt."""

    code = "storage_full"


class NotRetryable(PromptQueueError):
    """The prompt has its answer, or would be refused again."""

    code = "not_retryable"


class ClaimLost(PromptQueueError):
    """The claim no longer holds: its prompt was cancelled, deleted, finished, or given to another attempt."""

    code = "claim_lost"


class KeyNotFound(PromptQueueError):
    """No key has this name."""

    code = "not_found"


class OwnerNotFound(PromptQueueError):
    """No owner has this name."""

    code = "not_found"


class OwnerRefused(PromptQueueError):
    """Nobody of this name can have a key."""

    code = "owner_refused"


class StorageUnavailable(PromptQueueError):
    """The queue's database cannot be read or written right now."""

    code = "storage_unavailable"


class Collided(StorageUnavailable):
    """Another transaction was in the way of this one, so that nothing was changed: it may well go through now."""


class CommitUnknown(StorageUnavailable):
    """It is not known whether the commit reached the disk: send it again, with its Idempotency-Key."""


class QueueMissing(PromptQueueError):
    """There is no queue of this name."""

    code = "no_queue"


class QueueInUse(PromptQueueError):
    """The queue is in use: end every proxy and worker first, and whatever else has its database open."""

    code = "in_use"


class NotOfThisEngine(PromptQueueError):
    """The engine that keeps this queue does it by itself, or by programs of its own."""

    code = "not_of_this_engine"


class NotMigratable(PromptQueueError):
    """The queue cannot be moved there."""

    code = "not_migratable"
