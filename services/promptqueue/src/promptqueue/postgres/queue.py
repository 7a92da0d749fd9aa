"""PostgresPromptQueue: all verbs, for one thread at a time."""

from contextlib import AbstractContextManager

from promptqueue.postgres.server.database import Database
from promptqueue.postgres.verbs.client import ClientVerbs
from promptqueue.postgres.verbs.owners.deeds import DeedVerbs
from promptqueue.postgres.verbs.owners.keys import KeyVerbs
from promptqueue.postgres.verbs.owners.usage import UsageVerbs
from promptqueue.postgres.verbs.reading import ReadingVerbs
from promptqueue.postgres.verbs.recovery import RecoveryVerbs
from promptqueue.postgres.verbs.retention import RetentionVerbs
from promptqueue.postgres.verbs.submission import SubmissionVerbs
from promptqueue.postgres.verbs.whole.condition import ConditionVerbs
from promptqueue.postgres.verbs.whole.listing import ListVerbs
from promptqueue.postgres.verbs.whole.minutes import MinuteVerbs
from promptqueue.postgres.verbs.whole.models import ModelVerbs
from promptqueue.postgres.verbs.worker import WorkerVerbs


class PostgresPromptQueue(
    SubmissionVerbs,
    ClientVerbs,
    WorkerVerbs,
    RecoveryVerbs,
    RetentionVerbs,
    ConditionVerbs,
    ModelVerbs,
    MinuteVerbs,
    ReadingVerbs,
    ListVerbs,
    KeyVerbs,
    UsageVerbs,
    DeedVerbs,
):
    """Keeps the contract of `promptqueue.queue.PromptQueue` for one thread at a time."""

    def __init__(self, database: Database) -> None:
        """Own `database`."""
        super().__init__(database)

    def ping(self) -> None:
        self._database.run("SELECT only_row FROM control")

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[None]:
        return self._database.block(durable=durable)

    def close(self) -> None:
        self._database.close()
