"""Evidence: what the server has done lately, by which an end that nobody can explain is judged."""

import time
from collections.abc import Callable
from typing import NamedTuple

from promptqueue.prompt import Trouble

LATELY = 60.0  # seconds
MOST_EXCUSED = 1_000  # prompts


class Excuse(NamedTuple):
    """An end that was blamed on the server: which, after how many proofs that it can serve, and when by the clock."""

    end: str
    proofs: int
    at: float


class Evidence:
    """Who was answered when, who was not, and whom the server's trouble has excused. For one thread at a time."""

    def __init__(self, *, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Know nothing yet; an end counts without evidence once the prompt has been troubled for `patience` seconds."""
        self._patience = patience
        self._clock = clock
        self._answered_at = float("-inf")
        self._ended_badly: set[str] = set()  # since the last answer
        self._proofs = 0
        self._excused: dict[str, Excuse] = {}  # by prompt

    @property
    def has_answered_lately(self) -> bool:
        """Whether the server has answered a prompt within the last minute."""
        return self._clock() - self._answered_at < LATELY

    def answered(self, prompt_id: str) -> None:
        """Take note that the server has answered this prompt."""
        self._answered_at = self._clock()
        self._ended_badly.clear()
        self._excused.pop(prompt_id, None)

    def ended_badly(self, prompt_id: str, trouble: Trouble, *, claimed_at: float) -> bool:
        """Take note of an end that nobody can explain; whether it counts as the prompt's failure.

        It does where the server has answered another prompt since this one's last such end, which shows that it can.
        At the first such end that answer must be less than a minute old, with nobody else's bad end since. And it
        counts once the prompt's patience is over, for nothing may wait for ever. `trouble` is from when it was claimed.
        """
        others, held_for = self._ended_badly - {prompt_id}, self._clock() - claimed_at
        self._ended_badly.add(prompt_id)
        if (0.0 if trouble.since is None else trouble.since + held_for) >= self._patience:
            return True
        if trouble.last is not None:
            return self._answered_at > claimed_at - trouble.last
        excuse = self._excused.get(prompt_id)
        return self._answered_at > excuse.at if excuse else self.has_answered_lately and not others

    def proved(self) -> None:
        """Take note that the server has shown, without a prompt, that it can serve."""
        self._proofs += 1

    def excuses(self, prompt_id: str, end: str) -> bool:
        """Whether this `end` is blamed on the server: not where the prompt brings it again after a proof."""
        before = self._excused.get(prompt_id)
        if before and before.end == end and before.proofs < self._proofs:
            return False
        self._excused[prompt_id] = Excuse(end, self._proofs, self._clock())
        if len(self._excused) > MOST_EXCUSED:
            del self._excused[next(iter(self._excused))]
        return True
