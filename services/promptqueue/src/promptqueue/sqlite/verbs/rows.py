"""From rows to values."""

from collections.abc import Iterable

from promptqueue import lifecycle
from promptqueue.errors import PromptNotFound
from promptqueue.machine.clock import Clock
from promptqueue.prompt import ErrorCode, Failed, Outcome, Priority, Prompt, PromptError, Status, Trouble
from promptqueue.sqlite.file.database import Database
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.stored import stored_object


def find(database: Database, prompt_id: str) -> sqlite3.Row:
    """Read the row of a prompt. Raises PromptNotFound."""
    found = database.run("SELECT * FROM prompts WHERE id = :id", id=prompt_id)
    if not found:
        raise PromptNotFound
    return found[0]


def erase(database: Database, seq: int) -> None:
    """Delete a prompt and its texts."""
    database.run("DELETE FROM requests WHERE seq = :seq", seq=seq)
    database.run("DELETE FROM answers WHERE seq = :seq", seq=seq)
    database.run("DELETE FROM partials WHERE seq = :seq", seq=seq)
    database.run("DELETE FROM prompts WHERE seq = :seq", seq=seq)


def bytes_of(text: str) -> int:
    """Say how many bytes a text takes."""
    return len(text) if text.isascii() else len(text.encode())


def newest_of(selections: Iterable[str]) -> str:
    """Merge statements that read the newest of their rows into one that reads the newest of all."""
    merged = " UNION ALL ".join(f"SELECT * FROM ({each})" for each in selections)  # noqa: S608 (they are our own)
    return f"{merged} ORDER BY seq DESC LIMIT :limit"


def prompt(row: sqlite3.Row, clock: Clock) -> Prompt:
    """Read a prompt from its row."""
    return Prompt(
        id=row["id"],
        status=Status(row["status"]),
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        priority=Priority(row["priority"]),
        attempt=row["attempt"],
        failures=row["failures"],
        tokens=row["tokens"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        expires_at=row["expires_at"],
        error=_error(row),
        metadata=stored_object(row["metadata"]),
        timeout=row["timeout_seconds"],
        overdue=is_overdue(row, clock),
        last_error=row["last_error"],
        retried_at=row["queued_at"],
        owner=row["owner"],
        server=row["server"],
    )


def trouble(row: sqlite3.Row, clock: Clock) -> Trouble:
    """Read what a prompt went through. Times of another boot mean nothing."""
    if row["bad_boot"] != clock.boot:
        return Trouble(bad_ends=row["bad_ends"])
    now = clock.monotonic()
    return Trouble(bad_ends=row["bad_ends"], since=now - row["bad_since"], last=now - row["bad_at"])


def is_overdue(row: sqlite3.Row, clock: Clock) -> bool:
    """Tell whether a deadline of this prompt has passed: to start, to run, or to renew the lease."""
    if row["status"] == Status.QUEUED:
        return bool(row["expires_at"] is not None and row["expires_at"] <= clock.wall())
    return row["status"] == Status.PROCESSING and loss(row, clock, is_alive=True) is not None


def loss(row: sqlite3.Row, clock: Clock, *, is_alive: bool) -> Failed | None:
    """Say how the attempt of a processing prompt was lost (`lifecycle.loss`)."""
    if row["boot"] != clock.boot:  # the times of another boot mean nothing, and its workers are gone
        return lifecycle.LOST_WORKER
    return lifecycle.loss(
        now=clock.monotonic(), run_until=row["run_until"], leased_until=row["leased_until"], is_alive=is_alive
    )


def _error(row: sqlite3.Row) -> PromptError | None:
    if row["error_code"] is None:
        return None
    known = row["error_code"] in ErrorCode.__members__.values()
    code = ErrorCode(row["error_code"]) if known else ErrorCode.ATTEMPTS_EXHAUSTED  # a newer version's, or damaged
    return PromptError(code=code, message=row["error_message"])
