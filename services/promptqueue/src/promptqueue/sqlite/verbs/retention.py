"""The verbs that make room: prune, erase_unrun, compact."""

import time
from collections.abc import Callable

from promptqueue.lifecycle import KEY_LIFETIME
from promptqueue.owners.deed import DEED_LIFETIME
from promptqueue.sqlite.file import room
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.verbs import rows
from promptqueue.sqlite.verbs.timekeeping import Timekeeping

STEP_SECONDS = 0.005  # for which one commit erases or moves pages; a number would not bound it: texts can be long
PAGES_AT_ONCE = 16  # that `compact` moves between two looks at the clock
SMALL_AT_ONCE = 1_000  # old Idempotency-Keys, and as many old deeds, that one commit of `prune` erases


class RetentionVerbs(Timekeeping):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def prune(self, *, older_than: float, limit: int = 100, agreed_for: float = 0.0) -> int:
        now = self._clock.wall()
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
        old_deeds = self._database.run("SELECT 1 FROM audit WHERE at < :before LIMIT 1", before=now - DEED_LIFETIME)
        if not old and not stale_keys and not old_deeds:
            return 0
        with self._database.brief_transaction(), self._database.sparing():
            erased = self._erase_some(old, self._erase_prompt)
            self._database.run(
                """
                DELETE FROM idempotency_keys
                WHERE key IN (SELECT key FROM idempotency_keys WHERE created_at < :before LIMIT :limit)
                """,
                before=now - KEY_LIFETIME,
                limit=SMALL_AT_ONCE,
            )
            self._database.run(
                "DELETE FROM audit WHERE number IN (SELECT number FROM audit WHERE at < :before LIMIT :limit)",
                before=now - DEED_LIFETIME,
                limit=SMALL_AT_ONCE,
            )
        return erased

    def erase_unrun(self, *, older_than: float, limit: int = 100, agreed_for: float = 0.0) -> int:
        now = self._clock.wall()
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
            return self._erase_some(old, self._erase_text)

    def compact(self) -> int:
        look = room.look(self._database)
        if not look.in_steps or not look.spare_bytes:
            return 0
        with self._database.brief_transaction():
            until = time.monotonic() + STEP_SECONDS
            before, _ = self._database.pages()
            while self._database.pages()[1]:
                self._database.run(f"PRAGMA incremental_vacuum({PAGES_AT_ONCE})")
                if time.monotonic() >= until or look.disk_is_scarce:
                    break
            after, _ = self._database.pages()
        return (before - after) * self._database.files.page_size

    def prunable(self, *, older_than: float) -> int:
        [old] = self._database.run(
            "SELECT count(*) AS prompts FROM prompts WHERE status = 'completed' AND completed_at < :before",
            before=self._clock.wall() - older_than,
        )
        return int(old["prompts"])

    def _erase_some(self, old: list[sqlite3.Row], erase: Callable[[int], bool]) -> int:
        erased, until = 0, self._clock.monotonic() + STEP_SECONDS
        for row in old:
            erased += erase(row["seq"])
            if self._clock.monotonic() >= until:
                break
        return erased

    def _erase_prompt(self, seq: int) -> bool:
        rows.erase(self._database, seq)
        return True

    def _erase_text(self, seq: int) -> bool:
        """Erase what was asked by a prompt that never ran; False for one that was retried or deleted meanwhile."""
        erased = self._database.run(
            """
            UPDATE prompts SET erased_at = :now, bytes = 0
            WHERE seq = :seq AND status = 'completed' AND attempt = 0 AND erased_at IS NULL
            RETURNING seq
            """,
            seq=seq,
            now=self._clock.wall(),
        )
        if erased:
            self._database.run("DELETE FROM requests WHERE seq = :seq", seq=seq)
        return bool(erased)
