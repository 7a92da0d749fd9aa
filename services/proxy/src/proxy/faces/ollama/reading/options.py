"""The options of a request: those of sampling are passed on, those of Ollama's runner dropped, others not known.

Types and words are those of 0.33 (api/types.go); a null is ignored and fractions of integers are cut off.
"""

from collections.abc import Callable, Mapping
from typing import Any

from proxy.asking.options import RUNNER_OPTIONS
from proxy.calls.errors import InvalidAsked

MOST_TOKENS = 2**31 - 1
EXACT = 2**53  # the last whole number up to which a double is exact
LARGEST_SINGLE = 3.4028235e38


def _whole(value: Any) -> int | None:
    return int(min(max(value, -EXACT), EXACT)) if _is_number(value) else None


def _single(value: Any) -> float | None:
    return value if _is_number(value) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _list(value: Any) -> list[Any] | None:
    return value if isinstance(value, list) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


KINDS: Mapping[str, Callable[[Any], Any]] = {"integer": _whole, "float32": _single, "boolean": _flag, "array": _list}
NAMES: Mapping[str, str] = {
    **dict.fromkeys(("num_predict", "num_keep", "seed", "top_k", "repeat_last_n"), "integer"),
    **dict.fromkeys(("num_ctx", "num_batch", "num_gpu", "main_gpu", "num_thread", "draft_num_predict"), "integer"),
    **dict.fromkeys(
        ("top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty"),
        "float32",
    ),
    "use_mmap": "boolean",
    "stop": "array",
}
"""The options that Ollama knows, and the type of each. What its runner once took besides it ignores by now."""


def read(given: Mapping[str, Any], *, longest: int) -> tuple[dict[str, Any], list[str]]:
    """Give the options that are passed on, and the names of those that would load the model anew for everybody.

    An answer that nothing limits may have `longest` tokens. Raises InvalidAsked for a value of another type, for a
    number that is infinite as a float32, and for an empty text in `stop`, which would end every answer at once.
    """
    found = {name: _checked(name, value) for name, value in given.items() if name in NAMES and value is not None}
    passed = {name: value for name, value in found.items() if name not in RUNNER_OPTIONS}
    limit = passed.get("num_predict", 0)
    passed["num_predict"] = min(limit, MOST_TOKENS) if limit > 0 else longest
    return passed, sorted(name for name, value in given.items() if name in RUNNER_OPTIONS and value is not None)


def _checked(name: str, value: Any) -> Any:
    kind = NAMES[name]
    found = KINDS[kind](value)
    if found is None:
        raise InvalidAsked(f'option "{name}" must be of type {kind}', param=f"options.{name}")
    if kind == "float32" and not -LARGEST_SINGLE <= found <= LARGEST_SINGLE:
        raise InvalidAsked(f'option "{name}" is larger than a float32 can hold', param=f"options.{name}")
    if kind == "array":
        if not all(isinstance(each, str) for each in found):
            raise InvalidAsked(f'option "{name}" must be of an array of strings', param=f"options.{name}")
        if "" in found:
            message = f'option "{name}" holds an empty text, which would end every answer at once'
            raise InvalidAsked(message, param=f"options.{name}")
    return found
