"""What is written to the client of one response: its events, or the whole object."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from promptqueue.prompt import Status

from proxy.calls.answer import Answer
from proxy.calls.failure import Failure, Kind
from proxy.calls.writer import Standing
from proxy.faces.openai.events import comment
from proxy.faces.openai.responses.writing import numbers
from proxy.faces.openai.responses.writing.events import Event, Events
from proxy.faces.openai.responses.writing.response import Response

NOTHING = -1  # a number before the first

BEGUN_ANEW = "restarted"  # code of the failure of a stream whose text is
RESTARTED = "response_restarted"


class ResponseWriter:
    """Writes one response, all of it or what follows the event `after`: what has a number up to that is left out."""

    stream_type = "text/event-stream"
    speaks_at_once = True

    def __init__(self, response: Response, *, is_held: bool, after: int = NOTHING, length: int = 0) -> None:
        """Write for a client that has read the events up to `after`, and with them text of this length.

        `is_held` says whether the response ends with this client's call.
        """
        self._response = response
        self._events = Events(response)
        self._is_held = is_held
        self._after = after
        self._begun = 0  # the attempt that was said to have begun
        self._length = length  # of the text that the client has

    def opening(self, standing: Standing) -> bytes:
        """Say that it is accepted, and that it is being answered if it is by now."""
        return self._written(self._events.accepted()) + self._progress(standing)

    def beat(self, standing: Standing) -> bytes:
        """Give a comment: any other event that keeps a stream alive breaks some client."""
        return comment(standing)

    def moved(self, standing: Standing) -> bytes:
        """Say that an attempt has begun. Of places in line the next beat tells: each answer moves all who wait."""
        return self._progress(standing)

    def text(self, piece: str, *, attempt: int, offset: int) -> bytes:
        """Give a piece of text, after what precedes the first."""
        known = max(0, self._after - numbers.delta(attempt, offset))
        if known >= len(piece):  # the client has it, and has the message too
            return b""
        events = self._upto_text(attempt)
        self._length = offset + len(piece)
        return self._written([*events, self._events.delta(attempt, offset + known, piece[known:])])

    def ending(self, answer: Answer, *, attempt: int) -> Iterable[bytes]:
        """Give each event that follows the text."""
        events = self._upto_text(attempt) if answer.text else self._upto_attempt(attempt)
        yield self._written(events)
        for event in self._events.answered(attempt, answer):
            yield self._written([event])

    def failure(self, failure: Failure, *, attempt: int) -> bytes:
        """Say why it has no answer, even to who has heard it, for nobody is to take the end for that of an answer.

        Text that was heard live may be lost when its worker is. Then the client is ahead of what is known.
        """
        begun = self._upto_attempt(attempt) if attempt else []
        if failure.code == BEGUN_ANEW and not self._is_held:
            failure = replace(failure, code=RESTARTED, kind=Kind.UNAVAILABLE)  # it goes on: read it again
        number = numbers.end(attempt, self._length)
        events = [*begun, *self._events.failed(number, failure)]
        return self._written(events) or self._written(self._events.failed(self._after + 1, failure))

    def document(self, answer: Answer) -> Mapping[str, Any]:
        """Give the whole object."""
        return self._response.answered(answer)

    def _progress(self, standing: Standing) -> bytes:
        """Say that an attempt has begun, if it is news."""
        prompt = standing.progress.prompt
        is_news = prompt.status is Status.PROCESSING and prompt.attempt > self._begun
        return self._written(self._upto_attempt(prompt.attempt)) if is_news else b""

    def _upto_attempt(self, attempt: int) -> list[Event]:
        if self._begun == attempt:
            return []
        if self._begun:  # and not only known of by the client
            self._length = 0
        self._begun = attempt
        return [self._events.begun(attempt)]

    def _upto_text(self, attempt: int) -> list[Event]:
        events = self._upto_attempt(attempt)
        return events if self._length else [*events, *self._events.message(attempt)]

    def _written(self, events: Iterable[Event]) -> bytes:
        return b"".join(event.written() for event in events if event.number > self._after)
