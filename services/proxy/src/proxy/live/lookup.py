"""A lookup: brings live prompts up to date, from the database and from what was heard just before."""

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping

from promptqueue import PromptQueue
from promptqueue.errors import PromptNotFound, StorageUnavailable
from promptqueue.notes import Text
from promptqueue.prompt import Outcome, Progress, Prompt
from promptqueue.wire import text_of

from proxy.live.live_prompt import LivePrompt
from proxy.storage.estimates import Estimates
from proxy.storage.progress import CurrentProgress
from proxy.storage.reader import Reader

REMEMBERED = 1.0  # seconds; text is in the database after a quarter of that
SLICE = 50  # prompts in one read, which takes 2 ms

log = logging.getLogger(__name__)


class RecentText:
    """Remembers the live text of all prompts, for whoever begins to follow one before it is in the database."""

    def __init__(self) -> None:
        self._heard: deque[tuple[float, Text]] = deque()

    def add(self, text: Text) -> None:
        """Remember what was heard just now."""
        now = time.monotonic()
        self._heard.append((now, text))
        while self._heard[0][0] < now - REMEMBERED:
            self._heard.popleft()

    def of(self, prompt_id: str) -> list[Text]:
        """Give the text of this prompt, in the order in which it was heard."""
        since = time.monotonic() - REMEMBERED
        return [text for when, text in self._heard if when >= since and text.prompt_id == prompt_id]


class Lookup:
    """Reads where prompts stand and what text they have, many in one read, and settles what is overdue."""

    def __init__(self, *, current: CurrentProgress, reader: Reader, estimates: Estimates) -> None:
        self._current = current
        self._reader = reader
        self._estimates = estimates
        self.recent_text = RecentText()
        self._is_settling = False

    def update(self, prompts: Mapping[str, LivePrompt]) -> list[LivePrompt]:
        """Look these up, and give those whose readers have something new to learn. Raises StorageUnavailable."""
        prompts = {prompt_id: live for prompt_id, live in prompts.items() if not live.is_over}
        if not prompts:
            return []
        read = self._reader.read(lambda queue: queue.progress_of(list(prompts)))
        found = {progress.prompt.id: progress for progress in read}
        changed = [live for prompt_id, live in prompts.items() if self._update(prompt_id, live, found.get(prompt_id))]
        self._settle([prompt_id for prompt_id, progress in found.items() if progress.prompt.overdue])
        return changed

    def _update(self, prompt_id: str, live: LivePrompt, progress: Progress | None) -> bool:
        if progress and live.lacks_text(progress):
            progress = self._read_text(live, progress)
        if live.snapshot is None:
            for text in self.recent_text.of(prompt_id):
                live.hear(text)
        if progress is None:
            live.is_deleted = True
            return True
        return live.look(progress, self._estimates.eta(progress.prompt, progress.position))

    def _read_text(self, live: LivePrompt, progress: Progress) -> Progress | None:
        """Read the text of a prompt that stands so; None if it has been deleted meanwhile."""
        try:
            text = self._reader.read(lambda queue: _text(queue, progress.prompt))
        except PromptNotFound:
            return None
        if text:
            live.read(text)
        return progress

    def _settle(self, overdue: list[str]) -> None:
        """Settle these on a thread of its own, because a commit may wait; its wake-up has them looked up again."""
        if overdue and not self._is_settling:
            self._is_settling = True
            threading.Thread(target=self._settle_here, args=[overdue], name="settling", daemon=True).start()

    def _settle_here(self, overdue: list[str]) -> None:
        try:
            self._current.of_all(overdue)
        except (StorageUnavailable, PromptNotFound) as error:
            log.debug("prompt not settled reason=%s", error)  # the next round finds it overdue again, or deleted
        finally:
            self._is_settling = False


def _text(queue: PromptQueue, prompt: Prompt) -> Text | None:
    """Read all the text there is of a prompt: the answer's, or what had come."""
    if prompt.outcome is not Outcome.SUCCEEDED:
        return queue.text(prompt.id)
    return Text(prompt.id, prompt.attempt, 0, text_of(queue.answer(prompt.id) or {}))
