"""What the model would read: the rendered template, counted in tokens, and cut where it is too long."""

import re
import zlib
from typing import Any

BEGIN = 128_000
_SPECIAL_IDS = {"<|start_header_id|>": 128_006, "<|end_header_id|>": 128_007, "<|eot_id|>": 128_009}
_SPECIAL = re.compile(r"(<\|start_header_id\|>|<\|end_header_id\|>|<\|eot_id\|>)")
_KEPT = 5  # tokens: num_keep 4 and the beginning


def render(messages: list[dict[str, Any]], *, tools: bool = False) -> str:
    """Put a conversation through the model's template."""
    system = "\n\n".join(str(each.get("content", "")) for each in messages if is_system(each))
    turns = "".join(
        f"<|start_header_id|>{each.get('role', '').lower()}<|end_header_id|>\n\n{each.get('content', '')}<|eot_id|>"
        for each in messages  # those of the system too: so does the recorded model's template
    )
    opening = f"<|start_header_id|>system<|end_header_id|>\n\n{system}{'tools' if tools else ''}<|eot_id|>"
    return f"{opening}{turns}<|start_header_id|>assistant<|end_header_id|>\n\n"


def is_system(message: dict[str, Any]) -> bool:
    """Whether it is an instruction, which is never dropped."""
    return bool(message.get("role") == "system")


def without_oldest(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The conversation without its oldest message; the last one and the system's stay."""
    oldest = next((at for at, each in enumerate(messages[:-1]) if not is_system(each)), None)
    return messages if oldest is None else messages[:oldest] + messages[oldest + 1 :]


def token_ids(text: str, bytes_per_token: int) -> list[int]:
    """Made-up token numbers, one for so many bytes; the template's marks are one each, as in the real model."""
    ids: list[int] = []
    for part in _SPECIAL.split(text):
        if part in _SPECIAL_IDS:
            ids.append(_SPECIAL_IDS[part])
        elif bytes_per_token <= 1:
            ids.extend(part.encode())
        else:
            data = part.encode()
            pieces = (data[at : at + bytes_per_token] for at in range(0, len(data), bytes_per_token))
            ids.extend(zlib.crc32(piece) % BEGIN for piece in pieces)
    return ids


def kept_of(count: int, num_ctx: int) -> int:
    """How many tokens of so many the model reads: all, or the beginning and half a window of the end."""
    if count < num_ctx:
        return count
    kept = min(_KEPT, num_ctx // 2)
    return kept + (num_ctx - kept + 1) // 2
