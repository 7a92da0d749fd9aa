"""What the queue refuses: one class, one sentence, one code."""

from promptqueue.errors import PromptQueueError


def test_every_refusal_is_a_sentence_with_a_code():
    codes = {}
    for refusal in PromptQueueError.__subclasses__():
        codes[refusal.__name__] = refusal.code
        assert str(refusal()).endswith(".")
        assert str(refusal("Other words.")) == "Other words."

    assert codes == {
        "PromptNotFound": "not_found",
        "PromptDeleted": "deleted",
        "IdempotencyConflict": "idempotency_conflict",
        "QueueFull": "queue_full",
        "ClaimLost": "claim_lost",
        "StorageUnavailable": "storage_unavailable",
        "QueueMissing": "no_queue",
        "QueueInUse": "in_use",
        "NotOfThisEngine": "not_of_this_engine",
        "NotMigratable": "not_migratable",
        "FileInTheWay": "file_exists",
        "NotRestorable": "not_restorable",
        "NotRetryable": "not_retryable",
        "StorageFull": "storage_full",
        "QuotaExceeded": "quota_exceeded",
        "KeyNotFound": "not_found",
        "OwnerNotFound": "not_found",
        "OwnerRefused": "owner_refused",
    }
