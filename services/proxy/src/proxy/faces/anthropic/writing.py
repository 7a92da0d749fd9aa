"""A message, written: whole or as a stream of events, each under its type's name, for clients go by that."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from proxy.calls.answer import Answer
from proxy.calls.bodies import to_json
from proxy.calls.failure import Failure
from proxy.calls.writer import Standing
from proxy.faces.anthropic import answer as parts
from proxy.faces.anthropic import errors

PING = b'event: ping\ndata: {"type":"ping"}\n\n'


def event(kind: str, **fields: Any) -> bytes:
    """Write one event."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), to_json({"type": kind, **fields}))


class MessageWriter:
    """Writes one message. `echo` holds the model as it was asked for, and the estimated tokens of the prompt."""

    stream_type = "text/event-stream; charset=utf-8"
    speaks_at_once = False

    def __init__(self, prompt_id: str, echo: Mapping[str, Any]) -> None:
        self._prompt_id = prompt_id
        self._echo = echo
        self._in_text = False

    def opening(self, standing: Standing) -> bytes:  # noqa: ARG002
        """Give the message without content; how many tokens the prompt has is known at the end only."""
        usage = {"input_tokens": self._echo["input_tokens"], "output_tokens": 0}
        return event("message_start", message=self._message([], None, usage))

    def beat(self, standing: Standing) -> bytes:
        """Give a ping, and for whoever reads the stream himself where the prompt stands."""
        return _comment(standing) + PING

    def moved(self, standing: Standing) -> bytes:  # noqa: ARG002
        """Give nothing: no event of this protocol tells it."""
        return b""

    def text(self, piece: str, *, attempt: int, offset: int) -> bytes:  # noqa: ARG002
        """Give a piece of the only text block, which begins with the first."""
        begun = b"" if self._in_text else _start(0, {"type": "text", "text": ""})
        self._in_text = True
        return begun + _delta(0, type="text_delta", text=piece)

    def ending(self, answer: Answer, *, attempt: int) -> Iterator[bytes]:  # noqa: ARG002
        """Give the end of the text, each call of a tool whole, why the model stopped, and the counts."""
        if self._in_text:
            yield _stop(0)
        for index, block in enumerate(parts.calls(answer, self._prompt_id), start=int(self._in_text)):
            yield _start(index, {**block, "input": {}})
            yield _delta(index, type="input_json_delta", partial_json=to_json(block["input"]).decode())
            yield _stop(index)
        delta = {"stop_reason": parts.stop_reason(answer), "stop_sequence": None}
        yield event("message_delta", delta=delta, usage=parts.usage(answer))
        yield event("message_stop")

    def failure(self, failure: Failure, *, attempt: int) -> bytes:  # noqa: ARG002
        """Give the event that both official clients raise for."""
        return b"event: error\ndata: %b\n\n" % to_json(errors.body(replace(failure, prompt_id=self._prompt_id)))

    def document(self, answer: Answer) -> Mapping[str, Any]:
        """Give the whole message."""
        text = [{"type": "text", "text": answer.text}] if answer.text else []
        content = [*text, *parts.calls(answer, self._prompt_id)]
        return self._message(content, parts.stop_reason(answer), parts.usage(answer))

    def _message(self, content: list[Any], stop_reason: str | None, usage: Mapping[str, int]) -> dict[str, Any]:
        return parts.message(
            self._prompt_id, self._echo["model"], content=content, stop_reason=stop_reason, usage=usage
        )


def _comment(standing: Standing) -> bytes:
    position, eta = standing.progress.position, standing.eta_seconds
    if position is None:
        return b""
    return b": position %d%b\n" % (position, b"" if eta is None else b", about %d s" % eta)


def _start(index: int, block: Mapping[str, Any]) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def _delta(index: int, **delta: str) -> bytes:
    return event("content_block_delta", index=index, delta=delta)


def _stop(index: int) -> bytes:
    return event("content_block_stop", index=index)
