"""Values of the queue as JSON, in the words of the HTTP contract."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptqueue.prompt import Prompt


def prompt_body(prompt: Prompt) -> dict[str, Any]:
    """Tell where a prompt stands; its texts are no part of that."""
    return {
        "id": prompt.id,
        "status": prompt.status,
        "outcome": prompt.outcome,
        "priority": prompt.priority,
        "attempt": prompt.attempt,
        "failures": prompt.failures,
        "tokens": prompt.tokens,
        "created_at": moment(prompt.created_at),
        "started_at": moment(prompt.started_at),
        "completed_at": moment(prompt.completed_at),
        "error": prompt.error
        and {
            "code": prompt.error.code,
            "message": prompt.error.message,
            "retryable": prompt.error.code.retryable,
        },
        "last_error": prompt.last_error,
        "metadata": prompt.metadata,
    }


def moment(seconds: float | None) -> str | None:
    """Tell a time of the wall clock: UTC, ISO 8601 with milliseconds and Z."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
