"""A cursor: how far a reader has come with a prompt, so that it can go on from there, later and anywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace

from promptqueue.prompt import Prompt

LIVES = 1_000_000  # that differ; by the thousandth of a second in which a prompt was retried


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a prompt's text: `offset` code points of this attempt's. At the end nothing follows."""

    attempt: int = 0
    offset: int = 0
    is_end: bool = False
    life: int | None = None  # which end; None for that of a prompt that was never retried

    def at_the_end_of(self, prompt: Prompt) -> Cursor:
        """Give the place of a reader who knows how this prompt ended."""
        return replace(self, is_end=True, life=_life(prompt))

    def within(self, prompt: Prompt) -> Cursor | None:
        """Give where in this prompt a reader goes on; None if no reader can have come so far.

        An end that no longer is one, because the prompt was retried since, leaves the reader with the text up to there.
        """
        if self.attempt > prompt.attempt:
            return None
        if self.is_end and (prompt.outcome is None or self.life != _life(prompt)):
            return Cursor(self.attempt, self.offset)
        return self


START = Cursor()


def _life(prompt: Prompt) -> int | None:
    return None if prompt.retried_at is None else int(prompt.retried_at * 1000) % LIVES
