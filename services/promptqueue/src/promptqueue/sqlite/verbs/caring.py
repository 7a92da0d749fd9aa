"""The verbs of those who care for the queue: settle, recover, prune, count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promptqueue.condition import Counts, Model, ModelState, Recovered, Room, Workers
from promptqueue.errors import PromptNotFound
from promptqueue.lifecycle import EXPIRED, after
from promptqueue.prompt import Failed, Outcome, Prompt, Status
from promptqueue.sqlite.file import room
from promptqueue.sqlite.host import presence
from promptqueue.sqlite.verbs import attempt, rows
from promptqueue.sqlite.verbs.asking import KEY_LIFETIME
from promptqueue.sqlite.verbs.timekeeping import Timekeeping

if TYPE_CHECKING:
    from pathlib import Path

    from promptqueue.sqlite.file.database import Database
    from promptqueue.sqlite.file.engine import sqlite3
    from promptqueue.sqlite.host.clock import Clock

EXPIRED_AT_ONCE = 500
"""How many expired prompts one commit ends: a longer lock would be felt."""

PRUNE_SECONDS = 0.005
"""How long one commit of `prune` goes on erasing. A number would not bound it: texts can be of any length."""

KEYS_AT_ONCE = 1_000
"""How many old Idempotency-Keys one commit of `prune` erases."""

RATE_SAMPLE = 1_000
"""How many of the last minute's prompts are looked at: above that the rate is worked out from their time."""


class Caring(Timekeeping):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    _database: Database
    _clock: Clock
    _workers: Path

    def settle(self, prompt_id: str) -> Prompt:
        with self._database.transaction():
            self._settle(prompt_id)
            return rows.prompt(rows.find(self._database, prompt_id), self._clock)

    def recover(self) -> Recovered:
        overdue = self._overdue()
        if not overdue:
            return Recovered()
        with self._database.transaction():
            settled = [self._settle(prompt_id) for prompt_id in overdue]
        return Recovered(
            requeued=settled.count("queued"), failed=settled.count("failed"), expired=settled.count("expired")
        )

    def is_behind(self) -> bool:
        return bool(self._overdue(limit=1))

    def prune(self, *, older_than: float, limit: int = 100, agreed_for: float = 0.0) -> int:
        now, erased = self._clock.wall(), 0
        if agreed_for and self._agreement(now) < agreed_for:
            return 0
        old = self._database.run(
            "SELECT seq FROM prompts WHERE status = 'completed' AND completed_at < :before LIMIT :limit",
            before=now - older_than,
            limit=limit,
        )
        stale_keys = self._database.run(
            "SELECT 1 FROM idempotency_keys WHERE created_at < :before LIMIT 1", before=now - KEY_LIFETIME
        )
        if not old and not stale_keys:
            return 0
        with self._database.brief_transaction(), self._database.sparing():
            until = self._clock.monotonic() + PRUNE_SECONDS
            for row in old:
                rows.erase(self._database, row["seq"])
                erased += 1
                if self._clock.monotonic() >= until:
                    break
            self._database.run(
                """
                DELETE FROM idempotency_keys
                WHERE key IN (SELECT key FROM idempotency_keys WHERE created_at < :before LIMIT :limit)
                """,
                before=now - KEY_LIFETIME,
                limit=KEYS_AT_ONCE,
            )
        return erased

    def erase_unrun(self, *, older_than: float, limit: int = 100, agreed_for: float = 0.0) -> int:
        now, erased = self._clock.wall(), 0
        if agreed_for and self._agreement(now) < agreed_for:
            return 0
        old = self._database.run(
            """
            SELECT seq FROM prompts
            WHERE status = 'completed' AND attempt = 0 AND erased_at IS NULL AND completed_at < :before LIMIT :limit
            """,
            before=now - older_than,
            limit=limit,
        )
        if not old:
            return 0
        with self._database.brief_transaction(), self._database.sparing():
            until = self._clock.monotonic() + PRUNE_SECONDS
            for row in old:
                erased += self._erase_text(row["seq"])
                if self._clock.monotonic() >= until:
                    break
        return erased

    def prunable(self, *, older_than: float) -> int:
        [old] = self._database.run(
            "SELECT count(*) AS prompts FROM prompts WHERE status = 'completed' AND completed_at < :before",
            before=self._clock.wall() - older_than,
        )
        return int(old["prompts"])

    def checkpoint(self) -> None:
        self._database.checkpoint()

    def counts(self) -> Counts:
        totals = dict.fromkeys(Status, 0)
        for row in self._database.run("SELECT status, sum(prompts) AS prompts FROM counters GROUP BY status"):
            totals[Status(row["status"])] = row["prompts"]
        [control] = self._database.run("SELECT paused FROM control")
        return Counts(
            queued=totals[Status.QUEUED],
            processing=totals[Status.PROCESSING],
            completed=totals[Status.COMPLETED],
            oldest_wait_seconds=self._oldest_wait(),
            completed_per_minute=self._completed_per_minute(),
            seconds_per_prompt=self._seconds_per_prompt(),
            paused=bool(control["paused"]),
        )

    def room(self) -> Room:
        return room.look(self._database)

    def workers(self) -> Workers:
        with self._database.storage_errors():
            return presence.alive(self._workers)

    def model(self) -> Model | None:
        [row] = self._database.run("SELECT * FROM control")
        if row["model_name"] is None:
            return None
        return Model(
            name=row["model_name"],
            state=ModelState(row["model_state"]),
            percent=row["model_percent"],
            processor=row["model_processor"],
            detail=row["model_detail"],
            retry_at=row["model_retry_at"],
        )

    def describe_model(self, model: Model) -> None:
        if model == self.model():
            return
        with self._database.transaction(durable=False):
            self._database.run(
                """
                UPDATE control
                SET model_name = :name, model_state = :state, model_percent = :percent,
                    model_processor = :processor, model_detail = :detail, model_retry_at = :retry_at
                """,
                name=model.name,
                state=model.state,
                percent=model.percent,
                processor=model.processor,
                detail=model.detail and rows.storable(model.detail),
                retry_at=model.retry_at,
            )

    def pause(self, paused: bool) -> None:
        with self._database.transaction():
            self._database.run("UPDATE control SET paused = :paused", paused=int(paused))
            self._database.changed(None)

    def _erase_text(self, seq: int) -> bool:
        """Erase what was asked by a prompt that never ran; False for one that was retried or deleted meanwhile."""
        erased = self._database.run(
            """
            UPDATE prompts SET erased_at = :now
            WHERE seq = :seq AND status = 'completed' AND attempt = 0 AND erased_at IS NULL
            RETURNING seq
            """,
            seq=seq,
            now=self._clock.wall(),
        )
        if erased:
            self._database.run("DELETE FROM requests WHERE seq = :seq", seq=seq)
        return bool(erased)

    def _overdue(self, limit: int = EXPIRED_AT_ONCE) -> list[str]:
        with self._database.storage_errors():
            return [row["id"] for row in self._in_hand() if self._loss(row)] + self._expired(limit)

    def _in_hand(self) -> list[sqlite3.Row]:
        return self._database.run("SELECT * FROM prompts WHERE status = 'processing'")

    def _expired(self, limit: int) -> list[str]:
        expired = self._database.run(
            "SELECT id FROM prompts WHERE status = 'queued' AND expires_at <= :now LIMIT :limit",
            now=self._clock.wall(),
            limit=limit,
        )
        return [row["id"] for row in expired]

    def _settle(self, prompt_id: str) -> str | None:
        """Move one prompt if a deadline of it passed; where to, None if it may stay."""
        try:
            row = rows.find(self._database, prompt_id)
        except PromptNotFound:  # deleted since `recover` saw it
            return None
        match row["status"]:
            case Status.QUEUED if rows.is_overdue(row, self._clock):
                return self._expire(prompt_id)
            case Status.PROCESSING:
                loss = self._loss(row)
                return self._take_back(row, loss) if loss else None
            case _:
                return None

    def _loss(self, row: sqlite3.Row) -> Failed | None:
        return rows.loss(row, self._clock, is_alive=presence.is_alive(self._workers, row["worker"]))

    def _take_back(self, row: sqlite3.Row, loss: Failed) -> str:
        to = after(loss, failures=row["failures"], max_failures=row["max_failures"])
        ended = attempt.end(self._database, self._clock, prompt_id=row["id"], attempt=row["attempt"], to=to)
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

    def _oldest_wait(self) -> float | None:
        # The first of each lane, by its index; a minimum over all that wait would read them all.
        first = self._database.run(
            """
            SELECT min(since) AS since FROM (
                SELECT * FROM (SELECT coalesce(queued_at, created_at) AS since FROM prompts
                               WHERE status = 'queued' AND priority = 'interactive' ORDER BY seq LIMIT 1)
                UNION ALL
                SELECT * FROM (SELECT coalesce(queued_at, created_at) AS since FROM prompts
                               WHERE status = 'queued' AND priority = 'batch' ORDER BY seq LIMIT 1)
            )
            """
        )[0]["since"]
        return None if first is None else max(0.0, self._clock.wall() - first)

    def _completed_per_minute(self) -> int:
        now = self._clock.wall()
        [recent] = self._database.run(
            """
            SELECT count(*) AS prompts, min(completed_at) AS since FROM (
                SELECT completed_at FROM prompts
                WHERE status = 'completed' AND completed_at > :minute_ago AND ran_seconds IS NOT NULL
                ORDER BY completed_at DESC
                LIMIT :sample
            )
            """,
            minute_ago=now - 60,
            sample=RATE_SAMPLE,
        )
        if recent["prompts"] < RATE_SAMPLE:
            return int(recent["prompts"])
        return int(RATE_SAMPLE * 60 / max(now - recent["since"], 0.001))

    def _seconds_per_prompt(self) -> float | None:
        [recent] = self._database.run(
            """
            SELECT avg(ran_seconds) AS mean FROM (
                SELECT ran_seconds FROM prompts
                WHERE status = 'completed' AND ran_seconds IS NOT NULL
                ORDER BY completed_at DESC
                LIMIT 20
            )
            """
        )
        return None if recent["mean"] is None else float(recent["mean"])
