"""How a protocol writes what a held call brings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from promptqueue.prompt import Progress

from proxy.calls.answer import Answer
from proxy.calls.failure import Failure


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the prompt stands while its client waits."""

    progress: Progress
    eta_seconds: float | None

    @property
    def place(self) -> tuple[object, ...]:
        """What is another once the prompt stands elsewhere."""
        return (self.progress.prompt.status, self.progress.prompt.attempt, self.progress.position)

    @property
    def is_over(self) -> bool:
        """Whether the prompt has ended."""
        return self.progress.prompt.outcome is not None


class Writer(Protocol):
    """What a face writes for one call: a stream, piece by piece, or one JSON document. Pure: it waits for nothing.

    Each piece of bytes that it gives is sent as one HTTP chunk of its own, or as one for each event that has a name; an
    empty one is not sent. The methods are called in this order: `opening` once, then `beat`, `moved` and `text` as
    things happen, then `ending` or `failure`.
    """

    stream_type: str  # the Content-Type of a stream
    speaks_at_once: bool  # whether a stream begins before there is anything to say of the answer

    def opening(self, standing: Standing) -> bytes:
        """Give what comes first in a stream."""

    def beat(self, standing: Standing) -> bytes:
        """Give what keeps a stream alive while there is nothing to say."""

    def moved(self, standing: Standing) -> bytes:
        """Give what tells that the prompt stands elsewhere: another place, or now in work."""

    def text(self, piece: str, *, attempt: int, offset: int) -> bytes:
        """Give the next piece of the answer's text; it begins at `offset`, in code points."""

    def ending(self, answer: Answer, *, attempt: int) -> Iterable[bytes]:
        """Give what is left to say once the whole text was said: tool calls, why it ended, counts."""

    def failure(self, failure: Failure, *, attempt: int) -> bytes:
        """Give the protocol's word for a stream that fails; the connection is cut after it."""

    def document(self, answer: Answer) -> Mapping[str, Any]:
        """Give the whole answer, for a client that does not stream."""
