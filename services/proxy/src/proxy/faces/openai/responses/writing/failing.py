"""How this protocol says that a response has failed: by a code of its own, and perhaps by an event of its own."""

from proxy.calls.failure import Failure, Kind
from proxy.faces.openai import errors

INVALID_PROMPT = "invalid_prompt"  # at which Codex stops; it sends the same again at most others
SERVER_ERROR = "server_error"
CODES = {Kind.REFUSED: INVALID_PROMPT, Kind.FAILED: SERVER_ERROR, Kind.MISTAKE: SERVER_ERROR}
"""Codes of the kinds that have another here than in an answer's body."""

EXPIRED = "expired"


def code_of(failure: Failure) -> str:
    """Give the code that stands in the object and in the stream."""
    return CODES.get(failure.kind) or errors.code_of(failure)


def has_failed(failure: Failure) -> bool:
    """Whether the response itself is over as failed, and not cancelled, deleted, or only no longer told of."""
    return failure.kind in (Kind.REFUSED, Kind.TOO_LONG, Kind.FAILED) or failure.code == EXPIRED
