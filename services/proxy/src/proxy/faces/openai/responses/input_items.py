"""The items that a response was made from, listed: the messages that the model read, in this protocol's form."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from proxy.calls.errors import InvalidAsked
from proxy.calls.names import hex_of
from proxy.faces.openai.responses.writing import output
from proxy.faces.openai.responses.writing.output import Item

MOST = 100  # of one page
LIMITS = {str(number): number for number in range(1, MOST + 1)}
USUAL = 20
ORDERS = ("asc", "desc")


def items(prompt_id: str, messages: Iterable[Mapping[str, Any]], namespaces: Iterable[str]) -> list[Item]:
    """Give the items of these messages, the first one first."""
    digits = hex_of(prompt_id)
    return [
        item
        for index, message in enumerate(messages)
        for item in _KINDS.get(message["role"], _said)(f"{digits}_i{index}", message, namespaces)
    ]


def page(items: list[Item], *, limit: str | None, order: str | None, after: str | None) -> dict[str, Any]:
    """Give a page of items as the query asks for it; the last ones come first. Raises InvalidAsked."""
    most = USUAL if limit is None else LIMITS.get(limit)
    if most is None:
        message = f"limit is a whole number from 1 to {MOST}."
        raise InvalidAsked(message, param="limit")
    if order not in (None, *ORDERS):
        message = "order is asc or desc."
        raise InvalidAsked(message, param="order")
    ordered = items if order == "asc" else items[::-1]
    if after is not None:
        names = [item["id"] for item in ordered]
        if after not in names:
            message = f"after names no item of this response: '{after[:60]}'."
            raise InvalidAsked(message, param="after")
        ordered = ordered[names.index(after) + 1 :]
    found = ordered[:most]
    return {
        "object": "list",
        "data": found,
        "first_id": found[0]["id"] if found else None,
        "last_id": found[-1]["id"] if found else None,
        "has_more": len(ordered) > most,
    }


def _asked(name: str, message: Mapping[str, Any], _namespaces: Iterable[str]) -> Iterator[Item]:
    content = [{"type": "input_text", "text": message["content"]}]
    yield {
        "id": f"msg_{name}",
        "type": "message",
        "status": output.COMPLETED,
        "role": message["role"],
        "content": content,
    }


def _said(name: str, message: Mapping[str, Any], namespaces: Iterable[str]) -> Iterator[Item]:
    calls = message.get("tool_calls", ())
    if message["content"] or not calls:
        content = [output.part(message["content"])]
        yield {
            "id": f"msg_{name}",
            "type": "message",
            "status": output.COMPLETED,
            "role": "assistant",
            "content": content,
        }
    for index, call in enumerate(calls):
        yield output.call(f"fc_{name}_{index}", call["id"], call, namespaces)


def _message(name: str, role: str, content: list[Item]) -> Item:
    return {"id": f"msg_{name}", "type": "message", "status": output.COMPLETED, "role": role, "content": content}


def _given_back(name: str, message: Mapping[str, Any], _namespaces: Iterable[str]) -> Iterator[Item]:
    yield {
        "id": f"fco_{name}",
        "type": "function_call_output",
        "status": output.COMPLETED,
        "call_id": message["tool_call_id"],
        "output": message["content"],
    }


_KINDS: dict[str, Callable[[str, Mapping[str, Any], Iterable[str]], Iterator[Item]]] = {
    "system": _asked,
    "user": _asked,
    "assistant": _said,
    "tool": _given_back,
}
