"""The verbs about the last minutes: history, observe."""

from promptqueue.postgres.verbs.base import Verbs


class MinuteVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
