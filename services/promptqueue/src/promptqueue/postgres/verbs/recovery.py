"""The verbs of maintenance that move what is overdue or abandoned: settle, recover."""

from promptqueue.postgres.verbs.base import Verbs


class RecoveryVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
