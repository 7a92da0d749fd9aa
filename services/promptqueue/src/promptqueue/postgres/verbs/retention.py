"""The verbs that make room: prune, erase_unrun, compact."""

from promptqueue.postgres.verbs.base import Verbs


class RetentionVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
