"""Evidence: what servers have done lately, by which an end that nobody can explain is judged."""

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self, TypeVar

from promptqueue.prompt import Trouble

Value = TypeVar("Value")

LATELY = 60.0  # seconds
MOST_REMEMBERED = 1_000  # prompts


class Excuse(NamedTuple):
    """An end that was blamed on the server: which, after how many proofs that it can serve, and when by the clock."""

    end: str
    proofs: int
    at: float


class Evidence:
    """Who was answered when, who was not, and whom the server's trouble has excused.

    For one thread at a time; those of other servers only look at what it remembers of a prompt.
    """

    def __init__(self, *, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Know nothing yet; an end counts without evidence once the prompt has been troubled for `patience` seconds."""
        self._patience = patience
        self._clock = clock
        self._answered_at = float("-inf")
        self._ended_at: dict[str, float] = {}  # when prompts ended badly here last
        self._ended_badly: set[str] = set()  # since the last answer
        self._proofs = 0
        self._excused: dict[str, Excuse] = {}  # by prompt

    @property
    def has_answered_lately(self) -> bool:
        """Whether the server has answered a prompt within the last minute."""
        return self._clock() - self._answered_at < LATELY

    def has_ended(self, prompt_id: str) -> bool:
        """Whether this prompt is remembered to have ended badly here."""
        return prompt_id in self._ended_at

    def has_answered_after(self, prompt_id: str) -> bool:
        """Whether this prompt ended badly here, and the server has answered another since."""
        return self._answered_at > self._ended_at.get(prompt_id, float("inf"))

    def answered(self, prompt_id: str) -> None:
        """Take note that the server has answered this prompt."""
        self._answered_at = self._clock()
        self._ended_badly.clear()
        self._ended_at.pop(prompt_id, None)
        self._excused.pop(prompt_id, None)

    def ended_badly(
        self,
        prompt_id: str,
        trouble: Trouble,
        *,
        claimed_at: float,
        elsewhere: Sequence[Self] = (),
        may_try_elsewhere: bool = False,
    ) -> bool:
        """Take note of an end that nobody can explain; whether it counts as the prompt's failure.

        A server shows that it can serve by answering another prompt; what one has answered says nothing of a second.
        Where the prompt, since it was accepted or retried, has ended badly

        - on this server before, it counts if that has answered another since.
        - on none, it counts if this one has answered another within the last minute, with nobody else's bad end since,
          and no second server is well (`may_try_elsewhere`): else the next attempt will tell.
        - on others of this worker alone (`elsewhere`), it counts if this one has answered another within the last
          minute, with nobody else's bad end since, or else if one of those has answered another since this prompt: a
          prompt that two servers cannot answer, which both answer others, is to blame.

        What only the queue remembers, for the worker was another then, was on this server. And it counts in any case
        once the prompt's patience is over: nothing may wait for ever. `trouble` is from when it was claimed.
        """
        before = self._before(prompt_id, trouble, claimed_at, elsewhere)
        is_elsewhere = bool(trouble.bad_ends) and any(other.has_ended(prompt_id) for other in elsewhere)
        others, held_for = self._ended_badly - {prompt_id}, self._clock() - claimed_at
        self._ended_badly.add(prompt_id)
        _remember(self._ended_at, prompt_id, self._clock())
        if (0.0 if trouble.since is None else trouble.since + held_for) >= self._patience:
            return True
        if before is not None:
            return self._answered_at > before
        if not self.has_answered_lately:
            return False
        if is_elsewhere:
            return not others or any(other.has_answered_after(prompt_id) for other in elsewhere)
        return not others and not may_try_elsewhere

    def proved(self) -> None:
        """Take note that the server has shown, without a prompt, that it can serve."""
        self._proofs += 1

    def excuses(self, prompt_id: str, end: str) -> bool:
        """Whether this `end` is blamed on the server: not where the prompt brings it again after a proof."""
        before = self._excused.get(prompt_id)
        if before and before.end == end and before.proofs < self._proofs:
            return False
        _remember(self._excused, prompt_id, Excuse(end, self._proofs, self._clock()))
        return True

    def _before(self, prompt_id: str, trouble: Trouble, claimed_at: float, elsewhere: Sequence[Self]) -> float | None:
        """Say when a prompt last ended badly here, or was excused, by the clock; None if it never was."""
        if trouble.bad_ends:
            if prompt_id in self._ended_at:
                return self._ended_at[prompt_id]
            if any(other.has_ended(prompt_id) for other in elsewhere):
                return None
            if trouble.last is not None:
                return claimed_at - trouble.last
        excuse = self._excused.get(prompt_id)
        return excuse and excuse.at


def _remember(what: dict[str, Value], prompt_id: str, value: Value) -> None:
    what[prompt_id] = value
    if len(what) > MOST_REMEMBERED:
        del what[next(iter(what))]
