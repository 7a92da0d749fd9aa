"""The verbs that read of one prompt: where it stands, and its texts."""

from promptqueue.postgres.verbs.base import Verbs


class ReadingVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
