"""The verbs of maintenance that erase what is old: prune, erase_unrun."""

from promptqueue.lifecycle import KEY_LIFETIME
from promptqueue.sqlite.file.database import Database
from promptqueue.sqlite.host.clock import Clock
from promptqueue.sqlite.verbs import rows
from promptqueue.sqlite.verbs.timekeeping import Timekeeping

PRUNE_SECONDS = 0.005
"""How long one commit of `prune` goes on erasing. A number would not bound it: texts can be of any length."""

KEYS_AT_ONCE = 1_000
"""How many old Idempotency-Keys one commit of `prune` erases."""


class RetentionVerbs(Timekeeping):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    _database: Database
    _clock: Clock

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
