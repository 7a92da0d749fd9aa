"""What earlier responses leave to a new one: it may go on from one, and refer to what any has put out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proxy.calls.answer import Answer
from proxy.calls.errors import InvalidAsked
from proxy.calls.names import call_id

Message = Mapping[str, Any]
Item = Mapping[str, Any]

DEEPEST = 100  # responses that go on from one another
MOST_REFERENCES = 500  # of one request; each is looked up


@dataclass(frozen=True, slots=True)
class Named:
    """The earlier responses that a body names."""

    response: str | None = None  # that it goes on from
    items: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Past:
    """What was found of them."""

    messages: Sequence[Message] = ()  # of the response that it goes on from, its answer included
    depth: int = 0  # how many responses these are made of
    items: Mapping[str, Item] = field(default_factory=dict)


def named(value: Any) -> Named:
    """Say which earlier responses a body names, which is any JSON. Raises InvalidAsked for too many."""
    body = value if isinstance(value, dict) else {}
    response, given = body.get("previous_response_id"), body.get("input")
    items = [
        item["id"]
        for item in (given if isinstance(given, list) else ())
        if isinstance(item, dict) and is_reference(item) and isinstance(item.get("id"), str)
    ]
    # One item that is named many times counts as often: it would stand in the prompt so many times.
    if len(items) > MOST_REFERENCES:
        message = f"The input refers to {len(items)} items; {MOST_REFERENCES} are the limit. Send the items themselves."
        raise InvalidAsked(message, param="input")
    return Named(response if isinstance(response, str) else None, frozenset(items))


def is_reference(item: Item) -> bool:
    """Whether an item only names another one; its type may be left out."""
    kind = item.get("type")
    return kind == "item_reference" or (kind is None and "role" not in item and "id" in item)


def said(prompt_id: str, answer: Answer) -> Message:
    """Give an answer as a message of the conversation, its calls with the ids under which the client knows them."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.calls:
        message["tool_calls"] = [
            {**each, "id": call_id(each, prompt_id=prompt_id, index=index)} for index, each in enumerate(answer.calls)
        ]
    return message
