"""The verbs of maintenance that move what is overdue or abandoned: settle, recover."""

from dataclasses import replace

from promptqueue.condition import Recovered
from promptqueue.errors import PromptNotFound
from promptqueue.lifecycle import ABANDONED, EXPIRED, TIMED_OUT, after
from promptqueue.prompt import Failed, Outcome, Prompt, Status
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.host import presence
from promptqueue.sqlite.verbs import rows
from promptqueue.sqlite.verbs.attempt import AttemptVerbs
from promptqueue.sqlite.verbs.origins import Holders, OriginVerbs

ENDED_AT_ONCE = 500  # of each kind, in one commit: a longer lock would be felt
ERASING_SECONDS = 0.005  # for which one commit erases, at least one prompt: texts can be long


class RecoveryVerbs(AttemptVerbs, OriginVerbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def settle(self, prompt_id: str) -> Prompt:
        with self._database.transaction():
            self._settle(prompt_id)
            return rows.prompt(rows.find(self._database, prompt_id), self._clock)

    def recover(self) -> Recovered:
        holders = self._look_at_holders()
        overdue = self._overdue(holders)
        unkept = self._unkept_by(holders, limit=1)
        if not overdue and not unkept and not holders.lost and not holders.settled:
            return Recovered()
        with self._database.transaction(durable=bool(overdue or unkept)):
            settled = [self._settle(prompt_id) for prompt_id in overdue]
            erased = self._erase_unkept(holders)
            self._note(holders)
        return Recovered(
            requeued=settled.count("queued"),
            failed=settled.count("failed"),
            expired=settled.count("expired"),
            cancelled=settled.count("cancelled"),
            erased=erased,
        )

    def is_behind(self) -> bool:
        holders = self._look_at_holders()
        return bool(self._overdue(holders, limit=1) or self._unkept_by(holders, limit=1))

    def _overdue(self, holders: Holders, limit: int = ENDED_AT_ONCE) -> list[str]:
        with self._database.storage_errors():
            in_hand = self._database.run("SELECT * FROM prompts WHERE status = 'processing'")
            lost = [row["id"] for row in in_hand if self._loss(row)]
            expired = self._database.run(
                "SELECT id FROM prompts WHERE status = 'queued' AND expires_at <= :now LIMIT :limit",
                now=self._clock.wall(),
                limit=limit,
            )
            return [*dict.fromkeys([*lost, *(row["id"] for row in expired), *self._left_by(holders, limit)])]

    def _settle(self, prompt_id: str) -> str | None:
        """Move one prompt if one of its deadlines has passed; where to, None if it stays."""
        try:
            row = rows.find(self._database, prompt_id)
        except PromptNotFound:  # deleted since `recover` saw it
            return None
        if self._is_abandoned(row["seq"]):
            self._cancel(prompt_id, ABANDONED)
            self._give_up(row["seq"])
            return Outcome.CANCELLED
        if row["status"] == Status.PROCESSING:
            loss = self._loss(row)
            return self._take_back(row, loss) if loss else None
        return self._expire(prompt_id) if rows.is_overdue(row, self._clock) else None

    def _erase_unkept(self, holders: Holders) -> int:
        """Erase what is over and nobody came for, for a short time; how many."""
        unkept = self._unkept_by(holders, ENDED_AT_ONCE)
        if not unkept:
            return 0
        self._database.journal.empty_after_commit()
        erased, until = 0, self._clock.monotonic() + ERASING_SECONDS
        with self._database.sparing():
            for row in unkept:
                rows.erase(self._database, row["seq"])
                self._database.changed(row["id"])
                erased += 1
                if self._clock.monotonic() >= until:
                    break
        return erased

    def _loss(self, row: sqlite3.Row) -> Failed | None:
        return rows.loss(row, self._clock, is_alive=presence.is_alive(self._workers, row["worker"]))

    def _take_back(self, row: sqlite3.Row, loss: Failed) -> str:
        to = after(loss, failures=row["failures"], max_failures=row["max_failures"])
        if loss is not TIMED_OUT:  # nobody pays for what a worker that is gone did, or did not
            to = replace(to, is_charged=False)
        ended = self._end(row["id"], row["attempt"], to)
        if rows.is_overdue(ended, self._clock):  # back in line, where it waited as long as it may
            return self._expire(row["id"])
        return to.outcome or to.status

    def _expire(self, prompt_id: str) -> str:
        self._database.run(
            """
            UPDATE prompts
            SET status = 'completed', outcome = 'expired', completed_at = :now, not_before = NULL,
                error_code = :code, error_message = :message
            WHERE id = :id AND status = 'queued'
            """,
            id=prompt_id,
            now=self._clock.wall(),
            code=EXPIRED.code,
            message=EXPIRED.message,
        )
        self._database.changed(prompt_id)
        return Outcome.EXPIRED
