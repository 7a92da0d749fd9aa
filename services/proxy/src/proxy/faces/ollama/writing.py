"""Writing what came of a call: Ollama's records, a line each, with its keys in its order.

The one field of ours is a beat's `queue`, which tells a client that waits where its prompt stands.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from proxy.calls.answer import Answer
from proxy.calls.bodies import to_json
from proxy.calls.failure import Failure
from proxy.calls.writer import Standing

NDJSON = "application/x-ndjson"
NOT_REPEATED = {"context", "response", "thinking", "message", "model", "created_at"}
"""What a final record is not to repeat: numbers of tokens that nothing takes back, and what stands before the rest."""


class Records:
    """The records of one call; keeps what `proxy.calls.writer.Writer` promises."""

    stream_type = NDJSON
    speaks_at_once = False

    def __init__(self, model: str, *, is_chat: bool) -> None:
        """Name the model as the client has."""
        self._model = model
        self._is_chat = is_chat

    def opening(self, standing: Standing) -> bytes:  # noqa: ARG002 (a protocol's)
        """Say nothing: there is no record for a beginning."""
        return b""

    def beat(self, standing: Standing) -> bytes:
        """Give a record with no text, and where the prompt stands while it waits in line."""
        record = {**self._begun(now(), {"content": ""}), "done": False}
        if standing.progress.position is not None:
            record["queue"] = {"position": standing.progress.position, "eta_seconds": standing.eta_seconds}
        return line(record)

    def moved(self, standing: Standing) -> bytes:  # noqa: ARG002 (a protocol's)
        """Say nothing until the next beat."""
        return b""

    def text(self, piece: str, *, attempt: int, offset: int) -> bytes:  # noqa: ARG002 (a protocol's)
        """Give a record with a piece of the text."""
        return line({**self._begun(now(), {"content": piece}), "done": False})

    def ending(self, answer: Answer, *, attempt: int) -> Iterable[bytes]:  # noqa: ARG002 (a protocol's)
        """Give the tool calls, where there are some, and the final record."""
        if self._is_chat and answer.calls:
            yield line({**self._begun(now(), {"content": "", "tool_calls": answer.calls}), "done": False})
        yield line(self._final(answer, {"content": ""}))

    def failure(self, failure: Failure, *, attempt: int) -> bytes:  # noqa: ARG002 (a protocol's)
        """Give the record of an error."""
        return line({"error": failure.message})

    def document(self, answer: Answer) -> Mapping[str, Any]:
        """Give the final record with the whole text."""
        record = answer.record.get("message", answer.record)
        more = {"thinking": record.get("thinking"), "tool_calls": answer.calls}
        return self._final(answer, {"content": answer.text, **{name: each for name, each in more.items() if each}})

    def loaded(self, *, unloads: bool) -> Mapping[str, Any]:
        """Give the answer to a request that asks nothing."""
        reason = "unload" if unloads else "load"
        return {**self._begun(now(), {"content": ""}), "done": True, "done_reason": reason}

    def _final(self, answer: Answer, message: Mapping[str, Any]) -> dict[str, Any]:
        rest = {name: value for name, value in answer.record.items() if name not in NOT_REPEATED}
        return {**self._begun(answer.record.get("created_at") or now(), message), **rest}

    def _begun(self, created_at: str, message: Mapping[str, Any]) -> dict[str, Any]:
        if self._is_chat:
            return {"model": self._model, "created_at": created_at, "message": {"role": "assistant", **message}}
        thinking = {"thinking": message["thinking"]} if "thinking" in message else {}
        return {"model": self._model, "created_at": created_at, "response": message["content"], **thinking}


def line(record: Mapping[str, Any]) -> bytes:
    """Write a record as a line of its own."""
    return to_json(record) + b"\n"


def now() -> str:
    """Write the time as Go does: RFC 3339 in UTC, with as many digits of the second as say something."""
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    fraction = f".{nanoseconds:09d}".rstrip("0").rstrip(".")
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}{fraction}Z"
