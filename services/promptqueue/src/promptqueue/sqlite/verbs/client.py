"""The verbs by which a client changes what was accepted: cancel, retry, delete."""

from typing import Unpack

from promptqueue.condition import Bounds
from promptqueue.errors import NotRetryable
from promptqueue.lifecycle import CANCELLED, why_not_retryable
from promptqueue.prompt import Prompt, Status
from promptqueue.sqlite.file import room
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.verbs import line, rows
from promptqueue.sqlite.verbs.attempt import AttemptVerbs
from promptqueue.sqlite.verbs.owners.holdings import HoldingVerbs


class ClientVerbs(HoldingVerbs, AttemptVerbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def cancel(self, prompt_id: str) -> Prompt:
        with self._database.transaction():
            row = self._cancel(prompt_id, CANCELLED) or rows.find(self._database, prompt_id)
            return rows.prompt(row, self._clock)

    def retry(self, prompt_id: str, **bounds: Unpack[Bounds]) -> Prompt:
        with self._database.transaction():
            row = rows.find(self._database, prompt_id)
            prompt = rows.prompt(row, self._clock)
            if prompt.status is not Status.COMPLETED:
                return prompt
            if reason := why_not_retryable(prompt, is_erased=row["erased_at"] is not None):
                raise NotRetryable(reason)
            line.refuse(self._database, 1, bounds)
            room.refuse(self._database, [0], bounds)
            self._refuse_owner(row["owner"], [0], bounds)
            return rows.prompt(self._move_to_the_end(row), self._clock)

    def delete(self, prompt_id: str) -> None:
        with self._database.transaction():
            row = self._cancel(prompt_id, CANCELLED) or rows.find(self._database, prompt_id)
            with self._database.sparing():
                rows.erase(self._database, row["seq"])
            self._database.changed(prompt_id)
            self._database.journal.empty_after_commit()

    def _move_to_the_end(self, row: sqlite3.Row) -> sqlite3.Row:
        """Queue a completed prompt again. Its number is its place, so it gets the next one, and so do its texts."""
        last = line.new_number(self._database)
        self._database.run("UPDATE requests SET seq = :new WHERE seq = :old", new=last, old=row["seq"])
        self._database.run("UPDATE partials SET seq = :new WHERE seq = :old", new=last, old=row["seq"])
        [queued] = self._database.run(
            """
            UPDATE prompts
            SET seq = :new, status = 'queued', outcome = NULL, completed_at = NULL, started_at = NULL, tokens = NULL,
                failures = 0, bad_ends = 0, bad_since = NULL, bad_at = NULL, bad_boot = NULL,
                error_code = NULL, error_message = NULL, last_error = NULL, ran_seconds = NULL, queued_at = :now,
                expires_at = :now + (expires_at - coalesce(queued_at, created_at))
            WHERE seq = :old
            RETURNING *
            """,
            new=last,
            old=row["seq"],
            now=self._clock.wall(),
        )
        self._database.changed(row["id"])
        return queued
