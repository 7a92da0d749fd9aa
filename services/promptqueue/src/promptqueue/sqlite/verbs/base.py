"""What the verbs of one thread work with."""

from promptqueue.machine.clock import Clock
from promptqueue.sqlite.file.database import Database


class Verbs:
    """Some of the verbs of `promptqueue.queue.PromptQueue`, which says what each of them promises."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._workers = database.path.parent / "workers"
        self._holders = database.path.parent / "holders"
        self._clock = clock
