"""Names: how a prompt's id looks inside another protocol's ids, such as `chatcmpl-<32 hex digits>`."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from promptqueue.errors import PromptNotFound

HEX = re.compile(r"[0-9a-f]{32}")


def hex_of(prompt_id: str) -> str:
    """Give a prompt's id without its dashes."""
    return prompt_id.replace("-", "")


def prompt_id_of(name: str, prefix: str) -> str:
    """Give the id of the prompt that `name` stands for. Raises PromptNotFound where it cannot be anybody's."""
    digits = name.removeprefix(prefix)
    if not name.startswith(prefix) or not HEX.fullmatch(digits):
        raise PromptNotFound
    return str(uuid.UUID(digits))


def call_id(call: Mapping[str, Any], *, prompt_id: str, index: int) -> str:
    """Give the id of an answer's call of a tool: the model server's own, else one that is made of the prompt's."""
    return call.get("id") or f"call_{hex_of(prompt_id)[:8]}{index}"
