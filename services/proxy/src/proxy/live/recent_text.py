"""The live text of the last second, for whoever begins to follow a prompt before that text is in the database."""

import time
from collections import deque

from promptqueue.notes import Text

REMEMBERED = 1.0  # seconds; text is in the database after a quarter of that


class RecentText:
    """Remembers the text of all prompts, whether anybody follows them or not."""

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
