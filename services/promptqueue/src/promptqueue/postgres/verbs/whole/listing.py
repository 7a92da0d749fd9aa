"""The verb that lists prompts, of all owners or of one: newest."""

from promptqueue.postgres.verbs.base import Verbs


class ListVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
