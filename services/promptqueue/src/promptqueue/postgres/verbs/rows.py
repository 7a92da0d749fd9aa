"""From rows to values, and the one way to read and to erase a prompt."""

import uuid
from collections.abc import Mapping
from typing import Any

from promptqueue import lifecycle
from promptqueue.errors import PromptNotFound
from promptqueue.postgres.server.database import Database, Row
from promptqueue.postgres.verbs.lanes import LANES
from promptqueue.prompt import ErrorCode, Failed, Outcome, Prompt, PromptError, Status, Trouble
from promptqueue.stored import stored_object, text_of_stored

STANDING = """
    SELECT prompts.seq, prompts.id, prompts.owner, prompts.lane, prompts.created_at, prompts.queued_at,
           prompts.expires_at, prompts.timeout_seconds, prompts.metadata,
           coalesce(line.status, 'completed') AS status, coalesce(line.attempt, ended.attempt) AS attempt,
           coalesce(line.failures, ended.failures) AS failures, coalesce(line.tokens, ended.tokens) AS tokens,
           coalesce(line.started_at, ended.started_at) AS started_at,
           coalesce(line.last_error, ended.last_error) AS last_error,
           coalesce(line.server, ended.server) AS server, line.leased_until, line.run_until,
           ended.outcome, ended.completed_at, ended.error_code, ended.error_message, ended.is_erased,
           (SELECT wall()) AS wall, (SELECT lease_time()) AS now
    FROM prompts
    LEFT JOIN LATERAL (SELECT * FROM line WHERE line.seq = prompts.seq OFFSET 0) AS line ON true
    LEFT JOIN LATERAL (SELECT * FROM ended WHERE ended.seq = prompts.seq OFFSET 0) AS ended ON true
"""
"""Where prompts stand at one moment: what `prompt` is read from. Conditions, order and limit follow.

OFFSET 0 has both found by number, whatever the planner thinks of their size.
"""

NOT_ENDED = {"outcome": None, "completed_at": None, "error_code": None, "error_message": None}
"""Beside what a claim gives."""

ERASE = """
    WITH over AS (DELETE FROM ended WHERE seq = %(seq)s RETURNING seq, bytes),
         gone AS (DELETE FROM prompts USING over WHERE prompts.seq = over.seq
                  RETURNING lane, owner, prompts.bytes + over.bytes AS bytes),
         texts AS (DELETE FROM partials USING over WHERE partials.seq = over.seq),
         held AS (DELETE FROM holds USING over WHERE holds.seq = over.seq),
         tallied AS (
             INSERT INTO tally (lane, owner, bytes, completed) SELECT lane, owner, -bytes, -1 FROM gone
         )
    SELECT seq FROM over
"""
"""Whoever erases or retries a prompt takes its row of `ended` first: any other comes too late."""


def find(database: Database, prompt_id: str) -> Row:
    """Read the row of a prompt. Raises PromptNotFound."""
    found = database.run(f"{STANDING} WHERE prompts.id = %(id)s", id=known(prompt_id))
    if not found:
        raise PromptNotFound
    return found[0]


def known(prompt_id: str) -> str:
    """Give an id as the database takes it. Raises PromptNotFound for what is no id, which the server would refuse."""
    if not is_id(prompt_id):
        raise PromptNotFound
    return prompt_id


def is_id(prompt_id: str) -> bool:
    """Tell whether a prompt could have this id."""
    try:
        return str(uuid.UUID(prompt_id)) == prompt_id
    except ValueError:
        return False


def erase(database: Database, seq: int) -> bool:
    """Delete a completed prompt and its texts; False where it is not completed, or not there any more."""
    return bool(database.run(ERASE, seq=seq))


def bytes_of(text: str) -> int:
    """Say how many bytes a text takes."""
    return len(text) if text.isascii() else len(text.encode())


def prompt(row: Mapping[str, Any]) -> Prompt:
    """Read a prompt from its row."""
    return Prompt(
        id=str(row["id"]),
        status=Status(row["status"]),
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        priority=LANES[row["lane"]],
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
        overdue=is_overdue(row),
        last_error=text_of_stored(row["last_error"]) if row["last_error"] else None,
        retried_at=row["queued_at"],
        owner=row["owner"],
        server=row["server"],
    )


def trouble(row: Mapping[str, Any]) -> Trouble:
    """Read what a prompt went through."""
    if row["bad_at"] is None:
        return Trouble(bad_ends=row["bad_ends"])
    now = row["now"]
    return Trouble(bad_ends=row["bad_ends"], since=now - row["bad_since"], last=now - row["bad_at"])


def is_overdue(row: Mapping[str, Any]) -> bool:
    """Tell whether a deadline of this prompt has passed: to start, to run, or to renew the lease."""
    if row["status"] == Status.QUEUED:
        return bool(row["expires_at"] is not None and row["expires_at"] <= row["wall"])
    return row["status"] == Status.PROCESSING and loss(row, is_alive=True) is not None


def loss(row: Mapping[str, Any], *, is_alive: bool) -> Failed | None:
    """Say how the attempt of a processing prompt was lost (`lifecycle.loss`)."""
    return lifecycle.loss(
        now=row["now"], run_until=row["run_until"], leased_until=row["leased_until"], is_alive=is_alive
    )


def _error(row: Mapping[str, Any]) -> PromptError | None:
    if row["error_code"] is None:
        return None
    is_known = row["error_code"] in ErrorCode.__members__.values()
    code = ErrorCode(row["error_code"]) if is_known else ErrorCode.ATTEMPTS_EXHAUSTED  # a newer version's, or damaged
    return PromptError(code=code, message=text_of_stored(row["error_message"]))
