"""The verbs of a worker: claim, renew, write, finish, release."""

from promptqueue.postgres.verbs.base import Verbs


class WorkerVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
