"""What a response puts out: a message and the model's calls, as items whose ids follow from the prompt's."""

from collections.abc import Iterable, Mapping
from typing import Any

from proxy.calls.answer import Answer
from proxy.calls.names import call_id, hex_of
from proxy.faces.openai.tools import arguments_text

Item = dict[str, Any]

MESSAGE = "msg_"
CALL = "fc_"

COMPLETED = "completed"
INCOMPLETE = "incomplete"
IN_PROGRESS = "in_progress"


def message_id(prompt_id: str) -> str:
    """Name the message of a prompt."""
    return f"{MESSAGE}{hex_of(prompt_id)}"


def part(text: str) -> Item:
    """Give the one part that a message has."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def message(prompt_id: str, text: str | None, status: str) -> Item:
    """Give the message; None is for one that has no text yet, not even an empty one."""
    content = [] if text is None else [part(text)]
    return {"id": message_id(prompt_id), "type": "message", "status": status, "role": "assistant", "content": content}


def items(prompt_id: str, answer: Answer, namespaces: Iterable[str] = ()) -> list[Item]:
    """Give all that an answer puts out: the message, unless there is no text, then the calls."""
    status = INCOMPLETE if answer.is_cut else COMPLETED
    said = [message(prompt_id, answer.text, status)] if answer.text else []
    called = [
        call(f"{CALL}{hex_of(prompt_id)}_{index}", call_id(each, prompt_id=prompt_id, index=index), each, namespaces)
        for index, each in enumerate(answer.calls)
    ]
    return [*said, *called]


def call(item_id: str, named: str, called: Mapping[str, Any], namespaces: Iterable[str] = ()) -> Item:
    """Give a call, whose result will name it so. That of a function in a namespace names both, as it was declared."""
    name = called["function"]["name"]
    namespace = next((each for each in namespaces if name.startswith(f"{each}.")), None)
    item = {
        "id": item_id,
        "type": "function_call",
        "status": COMPLETED,
        "call_id": named,
        "name": name,
        "arguments": arguments_text(called),
    }
    if namespace is None:
        return item
    return {**item, "name": name.removeprefix(f"{namespace}."), "namespace": namespace}
