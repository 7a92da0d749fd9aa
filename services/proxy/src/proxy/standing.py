"""Where prompts stand, for whoever asks by their ids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from promptqueue.errors import PromptNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promptqueue import PromptQueue
    from promptqueue.prompt import Standing

    from proxy.reader import Reader
    from proxy.writer import Writer

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def known_id(text: str) -> str:
    """Give the id as it is stored. Raises PromptNotFound for what no id looks like."""
    prompt_id = text.lower()
    if not UUID.fullmatch(prompt_id):
        raise PromptNotFound
    return prompt_id


class Standings:
    """Reads where prompts stand, and settles those first that are overdue, so that no worker need be alive."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        """Read through `reader`, settle through `writer`."""
        self._reader = reader
        self._writer = writer

    def of(self, prompt_id: str) -> Standing:
        """Say where a prompt stands. Raises PromptNotFound."""
        found = self.of_all([prompt_id])
        if not found:
            raise PromptNotFound
        return found[0]

    def of_all(self, prompt_ids: Sequence[str]) -> list[Standing]:
        """Say where these stand; those that do not exist are left out."""
        found = self._reader.read(lambda queue: queue.standings(prompt_ids))
        overdue = [one.prompt.id for one in found if one.prompt.overdue]
        if not overdue:
            return found
        settled = {one.prompt.id: one for one in self._writer.do(lambda queue: _settled(queue, overdue))}
        return [settled.get(one.prompt.id, one) for one in found]


def _settled(queue: PromptQueue, prompt_ids: Sequence[str]) -> list[Standing]:
    for prompt_id in prompt_ids:
        queue.settle(prompt_id)
    return queue.standings(prompt_ids)
