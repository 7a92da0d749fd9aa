"""The verbs about keys: keyring, keys_version, add_key, revoke_key, drop_keys, note_use."""

from promptqueue.postgres.verbs.base import Verbs


class KeyVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""
