"""How many tokens texts are, estimated: only the model server has the tokenizer, and the proxy never calls it."""

from typing import Any

from pydantic_core import to_json

BYTES_PER_TOKEN = 4  # of UTF-8: what English has on average


def tokens_of(*texts: Any) -> int:
    """Estimate the tokens of texts, and of any other JSON as it would be written compactly."""
    return -(-sum(map(_size, texts)) // BYTES_PER_TOKEN)


def _size(text: Any) -> int:
    return len(text.encode() if isinstance(text, str) else to_json(text))
