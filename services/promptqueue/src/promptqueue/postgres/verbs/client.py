"""The verbs by which a client changes what was accepted: cancel, retry, delete."""

from promptqueue.postgres.verbs.base import Verbs


class ClientVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
