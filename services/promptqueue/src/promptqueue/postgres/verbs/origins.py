"""The verbs about the origin of prompts: by which protocol they came, who holds their calls."""

from promptqueue.postgres.verbs.base import Verbs


class OriginVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
