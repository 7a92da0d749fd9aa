"""Tools of a response: functions as they stand, and those in a namespace, which a model knows by both names."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from proxy.asking.fields import Text
from proxy.faces.openai.fields import Fields, Objects, checked
from proxy.faces.openai.tools import DROPPED, chosen, tool_of

Tool = Mapping[str, Any]


class Namespace(Fields):
    """Functions that belong together."""

    name: Text
    tools: Objects


class Tools:
    """The tools of one request."""

    def __init__(self, tools: Sequence[Tool], choice: Any) -> None:
        """Read them. Raises InvalidAsked for a function or a choice that is malformed."""
        given = list(_functions(tools, "tools", ""))
        self.is_any_dropped = any(each is None for each in given)
        self.chosen = chosen([each for each in given if each is not None], _qualified(choice))
        self.echo = [_written(each) for each in tools]

    @property
    def ignored(self) -> tuple[str, ...]:
        """Name the fields of which something was dropped."""
        return (DROPPED,) if self.is_any_dropped else ()


def _functions(tools: Sequence[Tool], at: str, prefix: str) -> Iterator[dict[str, Any] | None]:
    """Give Ollama's form of each function, and None for what is none."""
    for index, tool in enumerate(tools):
        here = f"{at}.{index}"
        match tool.get("type", "function"):
            case "function":
                nested = isinstance(tool.get("function"), Mapping)  # as chats have them
                made = tool_of(tool["function"] if nested else tool, at=f"{here}.function" if nested else here)
                yield {**made, "function": {**made["function"], "name": prefix + made["function"]["name"]}}
            case "namespace" if not prefix:
                namespace = checked(Namespace, tool, here)
                yield from _functions(namespace.tools, f"{here}.tools", f"{namespace.name}.")
            case _:
                yield None


def _qualified(choice: Any) -> Any:
    """Give a choice with the name by which the model knows the function."""
    if isinstance(choice, Mapping) and isinstance(choice.get("namespace"), str):
        return {**choice, "name": f"{choice['namespace']}.{choice.get('name')}"}
    return choice


def _written(tool: Tool) -> Tool:
    """Give a tool as the response repeats it: a function with all its fields, in Ollama's order."""
    if tool.get("type") != "function" or "function" in tool:
        return tool
    first = {name: tool.get(name) for name in ("type", "name", "description", "strict", "parameters")}
    return {**first, **tool}
