"""What a client gets who does not wait: where its prompt stands, and where to go on."""

from __future__ import annotations  # the specification reads these types by name

from typing import TypedDict

from promptqueue.prompt import Prompt, Status
from promptqueue.wire import Place, PromptId


class Links(TypedDict):
    """Where to go on."""

    status: str
    result: str
    events: str
    cancel: str


class Accepted(TypedDict):
    """An accepted prompt; of a repeated submission the first one, as it stands now."""

    id: PromptId
    status: Status
    position: Place
    links: Links


def accepted_body(prompt: Prompt, position: int | None, base_path: str) -> Accepted:
    """Write an accepted prompt, with addresses below the base path."""
    return {"id": prompt.id, "status": prompt.status, "position": position, "links": links(prompt.id, base_path)}


def links(prompt_id: str, base_path: str) -> Links:
    """Write where to go on with a prompt, with addresses below the base path."""
    here = f"{base_path}/api/v1/prompt/{prompt_id}"
    return {
        "status": f"{here}/status",
        "result": f"{here}/result",
        "events": f"{here}/events",
        "cancel": f"{here}/cancel",
    }
