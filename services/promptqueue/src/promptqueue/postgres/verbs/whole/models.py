"""The verbs about the model and its servers: model, servers, facts, describe_model."""

from promptqueue.postgres.verbs.base import Verbs


class ModelVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
