"""Where prompts stand now: read, after what is overdue was settled."""

from collections.abc import Sequence

from promptqueue import PromptQueue
from promptqueue.errors import PromptNotFound, StorageUnavailable
from promptqueue.prompt import Progress

from proxy.storage.reader import Reader
from proxy.storage.writer import Writer


class CurrentProgress:
    """Reads where prompts stand, and settles first whatever is overdue, so that no worker need be alive.

    While nothing can be written it gives what can be read.
    """

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader = reader
        self._writer = writer

    def of(self, prompt_id: str) -> Progress:
        """Say where a prompt stands. Raises PromptNotFound."""
        found = self.of_all([prompt_id])
        if not found:
            raise PromptNotFound
        return found[0]

    def of_all(self, prompt_ids: Sequence[str]) -> list[Progress]:
        """Say where these prompts stand; those that do not exist are left out."""
        found, is_behind = self._reader.read(lambda queue: _look(queue, prompt_ids))
        if not is_behind:
            return found
        try:
            return self._writer.do(lambda queue: _settle(queue, prompt_ids))
        except StorageUnavailable:  # full or read-only: until that is mended nobody can settle anything
            return found


def _look(queue: PromptQueue, prompt_ids: Sequence[str]) -> tuple[list[Progress], bool]:
    """Read where prompts stand, and whether to settle first: a place depends on all prompts that stand ahead."""
    found = queue.progress_of(prompt_ids)
    is_open = any(each.prompt.outcome is None for each in found)
    return found, any(each.prompt.overdue for each in found) or (is_open and queue.is_behind())


def _settle(queue: PromptQueue, prompt_ids: Sequence[str]) -> list[Progress]:
    queue.recover()
    for each in queue.progress_of(prompt_ids):
        if each.prompt.overdue:
            queue.settle(each.prompt.id)
    return queue.progress_of(prompt_ids)
