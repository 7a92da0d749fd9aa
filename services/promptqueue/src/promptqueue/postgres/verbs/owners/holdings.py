"""What an owner has, and whether it may have more: the verb holdings."""

from promptqueue.postgres.verbs.base import Verbs


class HoldingVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
