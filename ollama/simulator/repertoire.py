"""Whatever an Ollama does wrong, by name, and what the simulator is told so that it does it.

One table for all who need it: the worker's tests, and the page that tells what becomes of a prompt, docs/faults.md.
`times` None is a fault that strikes every call; where it is a number, what is wrong passes.
"""

from collections.abc import Mapping
from typing import Any

Told = Mapping[str, Any]
"""What the control endpoint is sent."""

FAILING: Mapping[str, Told] = {
    "silent before the headers": {"kind": "hang_before_headers", "times": None},
    "silent before the first token": {"kind": "hang_before_first_token", "times": None},
    "silent between tokens, as with a runner that is stopped": {"kind": "hang_between_tokens", "times": None},
    "reset before the headers": {"kind": "reset", "times": None},
    "reset in mid-answer": {"kind": "reset", "after": 3, "times": None},
    "closed before the headers": {"kind": "eof", "times": None},
    "closed in mid-answer": {"kind": "truncated", "times": None},
    "ended without `done`": {"kind": "cut", "times": None},
    "ended with `done: false`": {"kind": "done_false", "after": 3, "times": None},
    "an error line: a runner that is killed in mid-answer": {"kind": "error_line", "times": None},
    "500: a runner that is killed before the first token": {"kind": "status", "status": 500, "times": None},
    "500: a runner that is gone": {
        "kind": "status",
        "status": 500,
        "text": "llama-server process no longer running: unknown ",
        "times": None,
    },
    "500: a load that stalls": {
        "kind": "status",
        "status": 500,
        "text": "timed out waiting for llama-server to start - ",
        "times": None,
    },
    "500 without a body": {"kind": "status", "status": 500, "text": "", "times": None},
    "404 though the model is installed": {"kind": "status", "status": 404, "times": None},
    "503 of somebody else's": {"kind": "status", "status": 503, "text": "no healthy upstream", "times": None},
    "a web page instead of JSON": {"kind": "html", "times": None},
    "bytes that are no UTF-8": {"kind": "bad_utf8", "after": 3, "times": None},
}
"""An attempt fails; the prompt runs again until its failures are spent."""

REFUSING: Mapping[str, Told] = {
    "400: an image": {
        "kind": "status",
        "status": 400,
        "text": "Multimodal data provided, but model does not support multimodal requests.",
    },
    "400: thinking": {"kind": "status", "status": 400, "text": '"llama3.2" does not support thinking'},
    "400: a prompt that is too long": {"kind": "status", "status": 400},
    "500: a bad option": {"kind": "status", "status": 500, "text": 'option "temperature" must be of type float32'},
    "500: a bad format": {
        "kind": "status",
        "status": 500,
        "text": 'invalid format: "\\"xml\\""; expected "json" or a valid JSON Schema object',
    },
    "500: a bad schema, as told by Ollama 0.24": {
        "kind": "status",
        "status": 500,
        "text": "invalid JSON schema in format",
    },
    "500: a bad template": {"kind": "status", "status": 500, "text": "template: :1: unclosed action"},
}
"""The prompt itself is at fault, and would be refused again."""

PASSING: Mapping[str, Told] = {
    "connections refused": {"kind": "refuse", "seconds": 2},
    "403 without a body": {"kind": "status", "status": 403, "text": "", "times": 2},
    "503: too many requests": {"kind": "status", "status": 503, "times": 2},
    "404: the model is missing": {"kind": "model_gone"},
    "400: the model's files are broken": {"kind": "broken_store"},
}
"""The server or its model is away, and comes back."""

CRASHING: Mapping[str, Told] = {"the server crashes in mid-answer": {"kind": "crash", "after": 3}}
"""The process is gone until somebody starts it again."""

WELL: Mapping[str, Told] = {
    "a load that takes long": {"kind": "slow_load", "seconds": 2},
    "a line of 8 MB": {"kind": "huge_line", "after": 3},
}
"""It only looks wrong: the answer is whole."""
