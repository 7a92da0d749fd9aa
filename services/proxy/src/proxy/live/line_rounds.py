"""Line rounds: whenever the line has moved, all who stand in it are looked up once more, a slice at a time."""

from collections import deque
from collections.abc import Iterable

from proxy.storage.reader import Reader


class LineRounds:
    """One number says whether any place in line is another; the next round begins only when the last one is through.

    So a line that never rests is looked at all the time, and yet nobody in it is left out, and the last move is seen.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._prompt_ids: deque[str] = deque()  # of this round, those still to be looked up
        self._moves: int | None = None  # when this round began
        self._may_have_moved = False

    @property
    def is_through(self) -> bool:
        """Whether nobody is left to be looked up."""
        return not self._prompt_ids

    def note_a_change(self) -> None:
        """Have it asked soon whether the line has moved."""
        self._may_have_moved = True

    def forget(self) -> None:
        """Take the line for moved, because something may have been missed."""
        self._moves = None

    def has_moved(self) -> bool:
        """Whether another round is due. Raises StorageUnavailable."""
        if self._prompt_ids or not self._may_have_moved:
            return False
        moves = self._reader.read(lambda queue: queue.moves())
        self._may_have_moved = False
        has_moved, self._moves = moves != self._moves, moves
        return has_moved

    def begin(self, prompt_ids: Iterable[str]) -> None:
        """Go through these."""
        self._prompt_ids.extend(prompt_ids)

    def next_slice(self, most: int) -> list[str]:
        """Give the next prompts to look up."""
        return [self._prompt_ids.popleft() for _ in range(min(most, len(self._prompt_ids)))]
