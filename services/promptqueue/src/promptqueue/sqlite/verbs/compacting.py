"""The verb that gives room back to the disk: compact."""

import time

from promptqueue.sqlite.file import room
from promptqueue.sqlite.file.database import Database

STEP_SECONDS = 0.005
"""How long one commit of `compact` goes on moving pages."""

PAGES_AT_ONCE = 16
"""Pages that are moved between two looks at the clock."""


class Compacting:
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    _database: Database

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
        return (before - after) * self._database.page_size
