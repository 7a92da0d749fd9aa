"""What a queue consists of, the same whichever engine keeps it: tables of rows, in which a value has one type.

A prompt that runs goes as one that waits, for no worker and no clock survives the move: without a failure, and its
attempt stays. Nobody holds its call any more. What an engine counts beside its rows it counts anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass

Value = str | int | float | None
Row = tuple[Value, ...]
"""Values in the order of the table's columns. A truth is 0 or 1, bytes are written in hexadecimal."""

LIMITS = (
    "max_waiting",
    "max_running",
    "max_stored_bytes",
    "max_streams",
    "max_requests_a_second",
    "max_tokens_a_day",
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name, its columns, and how many of the first of them name a row, and put it in its place."""

    name: str
    columns: tuple[str, ...]
    key: int = 1

    def key_of(self, row: Row) -> Row:
        """Give what names this row."""
        return row[: self.key]


def _tables() -> Iterator[Table]:
    # What others refer to comes first; what engines change by themselves when rows come comes last.
    yield Table("owners", ("owner", "name", "weight", *LIMITS))
    yield Table("keys", ("digest", "name", "owner", "role", "created_at", "expires_at", "revoked_at", "used_at"))
    asked = ("seq", "id", "owner", "lane", "bytes", "created_at", "queued_at", "expires_at", "timeout_seconds")
    texts = ("metadata", "request", "face", "echo")
    became = ("status", "outcome", "attempt", "failures", "tokens", "started_at", "completed_at", "error_code")
    more = ("error_message", "last_error", "bad_ends", "ran_seconds", "server", "is_erased", "answer")
    yield Table("prompts", asked + texts + became + more)
    yield Table("partials", ("seq", "attempt", "at", "chars", "text"), key=3)
    yield Table("idempotency_keys", ("key", "fingerprint", "prompt_id", "created_at"))
    ended = ("succeeded", "failed", "cancelled", "expired", "prompt_tokens", "tokens", "seconds")
    yield Table("usage", ("owner", "day", *ended), key=2)
    yield Table("totals", ("outcome", "prompts", "prompt_tokens", "tokens", "seconds"))
    yield Table("durations", ("what", "up_to", "prompts", "seconds"), key=2)
    sight = ("moves", "queued", "oldest_wait_seconds", "rested")
    yield Table("minutes", ("boot", "began", "minute", "completed", "failed", "tokens", *sight), key=2)
    yield Table("audit", ("number", "at", "who", "what", "done_to"))
    model = ("name", "state", "percent", "processor", "detail", "retry_at", "facts", "slots")
    yield Table("models", ("worker", "server", *model), key=2)
    yield Table("lanes", ("lane", "share", "price", "start", "now", "moves"))
    yield Table("turns", ("lane", "owner", "start", "since", "price"), key=2)
    yield Table("control", ("only_row", "paused", "keys_version", "secret", "last_number"))


TABLES = tuple(_tables())
PROMPTS = next(table for table in TABLES if table.name == "prompts")
