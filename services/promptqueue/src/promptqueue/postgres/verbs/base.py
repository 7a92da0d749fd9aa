"""What the verbs of one thread work with."""

from promptqueue.postgres.server.database import Database


class Verbs:
    """Some of the verbs of `promptqueue.queue.PromptQueue`, which says what each of them promises."""

    def __init__(self, database: Database) -> None:
        self._database = database
