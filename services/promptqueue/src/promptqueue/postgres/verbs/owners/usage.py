"""The verbs about what prompts had of the model: usage, measures."""

from promptqueue.postgres.verbs.base import Verbs


class UsageVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
