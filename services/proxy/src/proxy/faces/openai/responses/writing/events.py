"""The events of a response, each with its number, and how one is written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from proxy.calls.answer import Answer
from proxy.calls.bodies import to_json
from proxy.calls.failure import Failure
from proxy.faces.openai.errors import body_of
from proxy.faces.openai.responses.writing import numbers, output
from proxy.faces.openai.responses.writing.failing import code_of, has_failed
from proxy.faces.openai.responses.writing.response import COMPLETED, FAILED, IN_PROGRESS, INCOMPLETE, QUEUED, Response


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a response."""

    kind: str
    number: int
    fields: Mapping[str, Any]

    def written(self) -> bytes:
        """Give it as a server-sent event; ASCII only, for some readers take U+2028 for the end of a line."""
        data = to_json({"type": self.kind, **self.fields, "sequence_number": self.number})
        return b"event: %b\ndata: %b\n\n" % (self.kind.encode(), data)


class Events:
    """Makes the events of one response."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self._place = {"item_id": output.message_id(response.prompt_id), "output_index": 0, "content_index": 0}

    def accepted(self) -> list[Event]:
        """Give what is said of each response first."""
        waiting = {"response": self._response.waiting(QUEUED)}
        return [
            Event("response.created", numbers.CREATED, waiting),
            Event("response.queued", numbers.QUEUED, waiting),
        ]

    def begun(self, attempt: int) -> Event:
        """Give what is said once an attempt has begun."""
        fields = {"response": self._response.waiting(IN_PROGRESS)}
        return Event("response.in_progress", numbers.in_progress(attempt), fields)

    def message(self, attempt: int) -> list[Event]:
        """Give what precedes the first text of an attempt."""
        item = output.message(self._response.prompt_id, None, output.IN_PROGRESS)
        return [
            Event("response.output_item.added", numbers.item_added(attempt), {"output_index": 0, "item": item}),
            Event(
                "response.content_part.added",
                numbers.part_added(attempt),
                {**self._place, "part": output.part("")},
            ),
        ]

    def delta(self, attempt: int, offset: int, piece: str) -> Event:
        """Give a piece of text that begins at `offset`."""
        fields = {**self._place, "delta": piece, "logprobs": []}
        return Event("response.output_text.delta", numbers.delta(attempt, offset + len(piece)), fields)

    def answered(self, attempt: int, answer: Answer) -> Iterator[Event]:
        """Give what follows an answer's text."""
        length = len(answer.text)
        body = self._response.answered(answer)
        items = body["output"]
        if answer.text:
            yield from self._message_done(numbers.done(attempt, length), answer.text, items[0])
        calls = [(index, item) for index, item in enumerate(items) if item["type"] == "function_call"]
        for count, (index, item) in enumerate(calls):
            yield from _call(numbers.call(attempt, length, count), index, item)
        kind = {COMPLETED: "response.completed", INCOMPLETE: "response.incomplete"}[body["status"]]
        yield Event(kind, numbers.end(attempt, length, len(calls)), {"response": body})

    def failed(self, number: int, failure: Failure) -> Iterator[Event]:
        """Give what ends a response without an answer; the first has this number.

        Clients raise at a top-level `error` in the last one; at `response.failed` alone, and at OpenAI's own error
        event without that key, both of OpenAI's libraries end as if all were well. A cancelled response has no event
        of its own in this protocol.
        """
        code = code_of(failure)
        if has_failed(failure):
            yield Event("response.failed", number, {"response": self._response.ended(FAILED, failure)})
            number += 1
        error = {**body_of(failure)["error"], "code": code}
        yield Event("error", number, {"code": code, "message": failure.message, "param": None, "error": error})

    def _message_done(self, number: int, text: str, item: output.Item) -> Iterator[Event]:
        yield Event("response.output_text.done", number, {**self._place, "text": text, "logprobs": []})
        yield Event("response.content_part.done", number + 1, {**self._place, "part": item["content"][0]})
        yield Event("response.output_item.done", number + 2, {"output_index": 0, "item": item})


def _call(number: int, index: int, item: output.Item) -> Iterator[Event]:
    begun = {**item, "status": output.IN_PROGRESS, "arguments": ""}
    place = {"item_id": item["id"], "output_index": index}
    yield Event("response.output_item.added", number, {"output_index": index, "item": begun})
    yield Event("response.function_call_arguments.delta", number + 1, {**place, "delta": item["arguments"]})
    yield Event(
        "response.function_call_arguments.done",
        number + 2,
        {**place, "name": item["name"], "arguments": item["arguments"]},
    )
    yield Event("response.output_item.done", number + 3, {"output_index": index, "item": item})
