"""The queue's journal as a file: it still holds the pages that commits overwrote, and with them deleted texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LARGE = 16 * 1024 * 1024  # bytes; SQLite empties it by itself at 4 MB, unless somebody keeps reading
QUIET_AFTER = 5.0  # seconds without a commit


class Journal:
    """What SQLite keeps beside the database: a log or a rollback journal, whichever there is."""

    def __init__(self, database: Path) -> None:
        """Look at nothing yet."""
        self._paths = [database.with_name(f"{database.name}-{kind}") for kind in ("wal", "journal")]
        self._seen: list[tuple[int, int]] = []
        self._seen_at = float("-inf")

    @property
    def is_large(self) -> bool:
        """Whether it has grown far beyond what SQLite itself lets it grow to."""
        return sum(size for size, _ in self._state()) > LARGE

    def is_left_alone(self, now: float) -> bool:
        """Whether it holds something and nobody has written to it for a while; `now` is monotonic, in seconds."""
        state = self._state()
        if state != self._seen:
            self._seen, self._seen_at = state, now
        return any(size for size, _ in state) and now - self._seen_at >= QUIET_AFTER

    def _state(self) -> list[tuple[int, int]]:
        state = []
        for path in self._paths:
            try:
                file = path.stat()
            except FileNotFoundError:
                continue
            state.append((file.st_size, file.st_mtime_ns))
        return state
