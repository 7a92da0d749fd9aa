"""The verbs of the audit: record, deeds."""

from promptqueue.postgres.verbs.base import Verbs


class DeedVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
