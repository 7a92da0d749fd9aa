"""The live text of the last second, for whoever begins to follow a prompt before that text is in the database."""

import time
from collections import deque

from promptqueue.notes import Text

REMEMBERED = 1.0  # seconds; text is in the database after a quarter of that


class RecentText:
    """Remembers the text of all prompts, whether anybody follows them or not."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._heard: deque[tuple[float, Text]] = deque()

    def add(self, text: Text) -> None:
        """Remember what was heard just now."""
        self._heard.append((time.monotonic(), text))
        self._forget_old()

    def of(self, prompt_id: str) -> list[Text]:
        """Give the text of this prompt, in the order in which it was heard."""
        self._forget_old()
        return [text for _, text in self._heard if text.prompt_id == prompt_id]

    def _forget_old(self) -> None:
        while self._heard and self._heard[0][0] < time.monotonic() - REMEMBERED:
            self._heard.popleft()
