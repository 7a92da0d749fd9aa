"""Where prompts stand, for whoever asks by their ids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from promptqueue.errors import PromptNotFound, StorageUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promptqueue import PromptQueue
    from promptqueue.prompt import Progress

    from proxy.storage.reader import Reader
    from proxy.storage.writer import Writer

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def known_id(text: str) -> str:
    """Give the id as it is stored. Raises PromptNotFound for what no id looks like."""
    prompt_id = text.lower()
    if not UUID.fullmatch(prompt_id):
        raise PromptNotFound
    return prompt_id


class Standings:
    """Reads where prompts stand, and settles first whatever is overdue, so that no worker need be alive.

    While nothing can be written they stand where they stood: what can be read is told.
    """

    def __init__(self, reader: Reader, writer: Writer) -> None:
        """Read through `reader`, settle through `writer`."""
        self._reader = reader
        self._writer = writer

    def of(self, prompt_id: str) -> Progress:
        """Say where a prompt stands. Raises PromptNotFound."""
        found = self.of_all([prompt_id])
        if not found:
            raise PromptNotFound
        return found[0]

    def of_all(self, prompt_ids: Sequence[str]) -> list[Progress]:
        """Say where these stand; those that do not exist are left out."""
        found, is_behind = self._reader.read(lambda queue: _seen(queue, prompt_ids))
        if not is_behind:
            return found
        try:
            return self._writer.do(lambda queue: _settled(queue, prompt_ids))
        except StorageUnavailable:  # full or read-only: nothing can be settled before it is mended, by anybody
            return found


def _seen(queue: PromptQueue, prompt_ids: Sequence[str]) -> tuple[list[Progress], bool]:
    """Read where prompts stand, and whether anything must be settled first: a place depends on all who stand ahead."""
    found = queue.progress_of(prompt_ids)
    is_open = any(one.prompt.outcome is None for one in found)
    return found, any(one.prompt.overdue for one in found) or (is_open and queue.is_behind())


def _settled(queue: PromptQueue, prompt_ids: Sequence[str]) -> list[Progress]:
    queue.recover()
    for one in queue.progress_of(prompt_ids):
        if one.prompt.overdue:
            queue.settle(one.prompt.id)
    return queue.progress_of(prompt_ids)
