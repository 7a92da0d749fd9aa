"""JSON and text as every backend stores them."""

import json
import re
from collections.abc import Mapping
from typing import Any

LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def stored_json(value: Mapping[str, Any]) -> str:
    """Write JSON for any backend to store."""
    return storable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def stored_object(text: str | None) -> dict[str, Any] | None:
    """Read a JSON object that was stored; None where there is none, or none that can be read.

    One row may be damaged, by a disk or by whoever else writes there: it must not keep the others from being read.
    """
    try:
        value = json.loads(text or "null", parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def has_key(text: str | None, key: str) -> bool:
    """Whether a JSON object that was stored has this key."""
    # Only what has the key anywhere is parsed.
    return text is not None and json.dumps(key, ensure_ascii=False) in text and key in (stored_object(text) or {})


def storable(text: str) -> str:
    """Replace what UTF-8 cannot carry. A lone surrogate becomes U+FFFD, as in Go's JSON, and so in Ollama's."""
    return text if text.isascii() else LONE_SURROGATE.sub("\ufffd", text)


def stored_text(text: str) -> str:
    """Write text as a JSON string, for a backend that cannot store U+0000."""
    return json.dumps(storable(text), ensure_ascii=False)


def text_of_stored(value: str) -> str:
    """Read text that was written so."""
    return str(json.loads(value))
