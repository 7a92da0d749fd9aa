"""The verbs that count: counts, room, workers; and pause and secret."""

from promptqueue.postgres.verbs.base import Verbs


class ConditionVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
