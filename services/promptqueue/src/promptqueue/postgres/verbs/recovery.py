"""The verbs of maintenance that move what is overdue or abandoned: settle, recover."""

from promptqueue.postgres.verbs.attempt import AttemptVerbs


class RecoveryVerbs(AttemptVerbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
