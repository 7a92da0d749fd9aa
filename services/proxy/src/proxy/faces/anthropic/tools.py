"""The tools that the model may call, in Ollama's words."""

import re
from collections.abc import Sequence
from typing import Any

from proxy.calls.errors import InvalidAsked
from proxy.faces.anthropic.fields import Tool, ToolChoice

NO_PARAMETERS = {"type": "object", "properties": {}}
OWN = "custom"  # the type of a tool that the client runs itself
MOST_NAMED = 16  # types of tools that a header names
A_TYPE = re.compile(r"[a-z0-9_]{1,60}")
UNENFORCED = ("any", "tool")
"""Choices that the model server knows nothing of: that the model must call a tool."""


def written(tools: Sequence[Tool], choice: ToolChoice | None) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Give the tools to offer, and what was asked of tools and cannot be had, by name. Raises InvalidAsked."""
    types = [tool.get("type") or OWN for tool in tools]
    offered = [_written(index, tool) for index, tool in enumerate(tools) if types[index] == OWN]
    foreign = sorted({each for each in types if each != OWN and A_TYPE.fullmatch(each)})
    dropped = tuple(f"tools.{each}" for each in foreign[:MOST_NAMED])
    if choice is None:
        return offered, dropped
    if choice["type"] == "none":
        return [], dropped
    if choice["type"] == "tool":
        offered = [tool for tool in offered if tool["function"]["name"] == choice.get("name")]
        if not offered:
            sentence = "tool_choice.name: it names none of the tools that the model can call"
            raise InvalidAsked(sentence, param="tool_choice.name")
    return offered, (*dropped, *(("tool_choice",) if choice["type"] in UNENFORCED else ()))


def _written(index: int, tool: Tool) -> dict[str, Any]:
    if not tool.get("name"):
        where = f"tools.{index}.name"
        sentence = f"{where}: Field required"
        raise InvalidAsked(sentence, param=where)
    described = {"description": tool["description"]} if tool.get("description") else {}
    function = {"name": tool["name"], **described, "parameters": tool.get("input_schema") or NO_PARAMETERS}
    return {"type": "function", "function": function}
