"""A conversation in Ollama's words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proxy.calls.errors import InvalidAsked
from proxy.faces.anthropic.fields import Message

BETWEEN = "\n"
"""Stands between texts that were sent apart. Those of the model's own turns go on where the one before stopped."""

HOLDERS = {"tool_use": "assistant", "tool_result": "user"}
"""In whose turns alone a tool may be called, and say what came of it."""


def written(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Give all turns as Ollama's messages. Raises InvalidAsked where nothing is left to answer."""
    tools: dict[str, str] = {}  # their names, by the ids of their calls
    turns = [turn for index, message in enumerate(messages) for turn in _turns(f"messages.{index}", message, tools)]
    if not turns:
        sentence = "messages: none holds a text, a tool_use or a tool_result"
        raise InvalidAsked(sentence, param="messages")
    return turns


def text_of(blocks: Sequence[Mapping[str, Any]], between: str = BETWEEN) -> str:
    """Give the texts of blocks as one."""
    return between.join(_texts(blocks))


def _turns(where: str, message: Message, tools: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Give one turn: what tools answered first, as Ollama has them in messages of their own."""
    role, blocks = message["role"], message["content"]
    for index, block in enumerate(blocks):
        if HOLDERS.get(block["type"], role) != role:
            sentence = f"{where}.content.{index}: `{block['type']}` may only stand in turns of {HOLDERS[block['type']]}"
            raise InvalidAsked(sentence, param=f"{where}.content.{index}")
        if block["type"] == "tool_result":
            yield _answered(block, tools)
    calls = [_called(block, tools) for block in blocks if block["type"] == "tool_use"]
    texts = list(_texts(blocks))
    if texts or calls:
        content = ("" if role == "assistant" else BETWEEN).join(texts)
        yield {"role": role, "content": content, **({"tool_calls": calls} if calls else {})}


def _called(block: Mapping[str, Any], tools: dict[str, str]) -> dict[str, Any]:
    tools[block["id"]] = block["name"]
    return {"id": block["id"], "function": {"name": block["name"], "arguments": block.get("input") or {}}}


def _answered(block: Mapping[str, Any], tools: Mapping[str, str]) -> dict[str, Any]:
    id_ = block["tool_use_id"]
    answer = {"role": "tool", "content": text_of(block.get("content") or ()), "tool_call_id": id_}
    return answer | ({"tool_name": tools[id_]} if id_ in tools else {})


def _texts(blocks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for block in blocks:
        match block["type"]:
            case "text":
                yield block["text"]
            case "search_result":
                yield BETWEEN.join((block["title"], block["source"], text_of(block["content"])))
