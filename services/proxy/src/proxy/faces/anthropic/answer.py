"""An answer's parts in the words of this protocol, the same for a whole message and a streamed one."""

from collections.abc import Iterator, Mapping
from typing import Any

from proxy.calls.answer import Answer
from proxy.calls.names import call_id, hex_of


def message(
    prompt_id: str, model: str, *, content: list[Any], stop_reason: str | None, usage: Mapping[str, int]
) -> dict[str, Any]:
    """Give the message of a prompt."""
    return {
        "id": f"msg_{hex_of(prompt_id)}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": usage,
    }


def calls(answer: Answer, prompt_id: str) -> Iterator[dict[str, Any]]:
    """Give a block for each call of a tool."""
    for index, call in enumerate(answer.calls):
        function = call["function"]
        yield {
            "type": "tool_use",
            "id": call_id(call, prompt_id=prompt_id, index=index),
            "name": function["name"],
            "input": function.get("arguments") or {},
        }


def stop_reason(answer: Answer) -> str:
    """Say why the model stopped. Which stop sequence it was the model server does not tell."""
    if answer.is_cut:
        return "max_tokens"
    return "tool_use" if answer.calls else "end_turn"


def usage(answer: Answer) -> dict[str, int]:
    """Give the counts that the model server gave."""
    return {"input_tokens": answer.prompt_tokens, "output_tokens": answer.tokens}
