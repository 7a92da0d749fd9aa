"""Streams of events as OpenAI's older endpoints write them: events without names, and comments while one waits."""

from typing import Any

from proxy.calls.bodies import to_json
from proxy.calls.failure import Failure
from proxy.calls.writer import Standing
from proxy.faces.openai.errors import body_of

DONE = b"data: [DONE]\n\n"


def event(content: Any) -> bytes:
    """Write JSON as one event, in ASCII: some clients take U+2028 and its like for the end of a line."""
    return b"data: " + to_json(content) + b"\n\n"


def comment(standing: Standing) -> bytes:
    """Say where the prompt stands in a comment, which every client skips."""
    position = standing.progress.position
    if position is None:
        return b": in work\n\n"
    eta = "" if standing.eta_seconds is None else f", about {standing.eta_seconds:.0f} s"
    return f": position {position}{eta}\n\n".encode()


class Waiting:
    """What writers of these streams say while there is nothing of the answer to say, and where there is none."""

    stream_type = "text/event-stream"
    speaks_at_once = False

    def opening(self, standing: Standing) -> bytes:  # noqa: ARG002 (the first event is the first of the answer)
        """Say nothing."""
        return b""

    def beat(self, standing: Standing) -> bytes:
        """Say where the prompt stands, in a comment."""
        return comment(standing)

    def moved(self, standing: Standing) -> bytes:  # noqa: ARG002 (the next beat says where to)
        """Say nothing."""
        return b""

    def failure(self, failure: Failure, *, attempt: int) -> bytes:  # noqa: ARG002 (no event names it)
        """Give an error, which the SDKs raise in the middle of a stream."""
        return event(body_of(failure))
