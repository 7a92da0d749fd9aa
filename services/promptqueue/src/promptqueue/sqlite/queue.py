"""SQLitePromptQueue: all verbs, with one connection."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from promptqueue.machine.clock import Clock
from promptqueue.sqlite.file.database import Database
from promptqueue.sqlite.verbs.client import ClientVerbs
from promptqueue.sqlite.verbs.owners.deeds import DeedVerbs
from promptqueue.sqlite.verbs.owners.holdings import HoldingVerbs
from promptqueue.sqlite.verbs.owners.keys import KeyVerbs
from promptqueue.sqlite.verbs.owners.usage import UsageVerbs
from promptqueue.sqlite.verbs.reading import ReadingVerbs
from promptqueue.sqlite.verbs.recovery import RecoveryVerbs
from promptqueue.sqlite.verbs.retention import RetentionVerbs
from promptqueue.sqlite.verbs.submission import SubmissionVerbs
from promptqueue.sqlite.verbs.whole.condition import ConditionVerbs
from promptqueue.sqlite.verbs.whole.listing import ListVerbs
from promptqueue.sqlite.verbs.whole.minutes import MinuteVerbs
from promptqueue.sqlite.verbs.whole.models import ModelVerbs
from promptqueue.sqlite.verbs.worker import WorkerVerbs


class SQLitePromptQueue(
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
    HoldingVerbs,
    UsageVerbs,
    DeedVerbs,
):
    """Keeps the contract of `promptqueue.queue.PromptQueue` for one thread at a time."""

    def __init__(self, database: Database, *, clock: Clock, on_journal: Callable[[str], None]) -> None:
        """Own `database`. `on_journal` hears at each `ping` which journal mode it has."""
        super().__init__(database, clock)
        self._on_journal = on_journal

    def ping(self) -> None:
        self._database.look()
        self._database.run("SELECT only_row FROM control")
        self._on_journal(self._database.journal_mode())

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[None]:
        return self._database.transaction(durable=durable)

    def close(self) -> None:
        self._database.close()
