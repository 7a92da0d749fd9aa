"""The verb by which prompts are accepted: enqueue."""

from promptqueue.postgres.verbs.base import Verbs


class SubmissionVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
