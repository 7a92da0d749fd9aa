"""The `options` of a call, with Go's texts where one has the wrong type."""

from dataclasses import dataclass
from typing import Any

from .errors import Refused
from .models import TRAINED_CONTEXT

_INTEGERS = [
    "num_keep",
    "seed",
    "num_predict",
    "top_k",
    "repeat_last_n",
    "num_ctx",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "num_thread",
    "draft_num_predict",
]
_FLOATS = ["top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty"]
_OF_THE_RUNNER = ("num_batch", "num_gpu", "main_gpu", "num_thread", "draft_num_predict", "use_mmap")
SMALLEST_CONTEXT = 4


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the simulator heeds of them."""

    num_predict: int
    """The most tokens of the answer; 0 and less is without a limit."""
    num_ctx: int
    stop: tuple[str, ...]
    repeat_penalty: float
    shape: tuple[tuple[str, Any], ...]
    """What a loaded model must have been loaded with to serve the call."""


def read_options(given: dict[str, Any], *, context_length: int, shift: bool) -> Options:
    """Check the types; unknown names and nulls are ignored, fractions of integers are cut.

    Raises:
        Refused: 500, although it is the caller's fault, as Ollama does.
    """
    for name, value in given.items():
        wanted = _type_missing(name, value)
        if wanted:
            raise Refused(500, f'option "{name}" must be of {wanted}')
    num_ctx = int(_or(given.get("num_ctx"), context_length))
    num_ctx = min(max(num_ctx, SMALLEST_CONTEXT), TRAINED_CONTEXT)
    runner = {name: given[name] for name in _OF_THE_RUNNER if given.get(name) is not None}
    return Options(
        num_predict=int(min(_or(given.get("num_predict"), -1), 2**31 - 1)),
        num_ctx=num_ctx,
        stop=tuple(given.get("stop") or ()),
        repeat_penalty=_or(given.get("repeat_penalty"), 1.0),
        shape=(("num_ctx", num_ctx), ("shift", shift), *sorted(runner.items())),
    )


def _type_missing(name: str, value: Any) -> str:  # noqa: PLR0911 (a table)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is None:
        return ""
    if name in _INTEGERS:
        return "" if is_number else "type integer"
    if name in _FLOATS:
        return "" if is_number else "type float32"
    if name == "use_mmap":
        return "" if isinstance(value, bool) else "type boolean"
    if name == "stop":
        if not isinstance(value, list):
            return "type array"
        return "" if all(isinstance(each, str) for each in value) else "an array of strings"
    return ""


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
