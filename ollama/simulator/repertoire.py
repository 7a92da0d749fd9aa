"""Whatever an Ollama does wrong, by name, and what the simulator is told so that it does it.

One table for all who need it: the worker's tests, and the page that tells what becomes of a prompt, docs/faults.md.
`times` None is a fault that strikes every call; where it is a number, what is wrong passes.
"""

from collections.abc import Mapping
from typing import Any

Told = Mapping[str, Any]
"""What the control endpoint is sent."""


def _status(status: int, text: str | None = None, **more: Any) -> Told:
    return {"kind": "status", "status": status, "times": None, "text": text, **more}


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
    "500: a runner that is killed before the first token": _status(500),
    "500: a runner that is gone": _status(500, "llama-server process no longer running: unknown "),
    "500 without a body": _status(500, ""),
    "500: a schema that nobody sent": _status(500, "invalid JSON schema in format"),
    "502 of a gateway": _status(502, ""),
    "504 of a gateway": _status(504, ""),
    "a web page instead of JSON": {"kind": "html", "times": None},
    "bytes that are no UTF-8": {"kind": "bad_utf8", "after": 3, "times": None},
}
"""Nobody knows whose fault it is."""

REFUSING: Mapping[str, Told] = {
    "400: an image": _status(400, "Multimodal data provided, but model does not support multimodal requests."),
    "400: thinking": _status(400, '"llama3.2" does not support thinking'),
    "400: a prompt that is too long": _status(400),
    "500: a bad option": _status(500, 'option "temperature" must be of type float32'),
    "500: a bad format": _status(500, 'invalid format: "\\"xml\\""; expected "json" or a valid JSON Schema object'),
    "500: a bad schema, as told by Ollama 0.24": _status(500, "invalid JSON schema in format"),
    "500: a number that cannot be written": _status(500, "json: unsupported value: +Inf"),
}
"""The prompt itself is at fault, and would be refused again. Those about a format strike prompts that have one."""

TURNING_AWAY: Mapping[str, Told] = {
    "401 of a gateway": _status(401, ""),
    "404 that names no model": _status(404, ""),
    "405 of a gateway": _status(405, ""),
    "407 of a gateway": _status(407, ""),
    "429: a rate limit": _status(429, ""),
    "503 of somebody else's": _status(503, "no healthy upstream"),
    "500: a load that stalls": _status(500, "timed out waiting for llama-server to start - "),
    "500: a load that fails": _status(500, "llama-server process has terminated: signal: killed"),
    "500: too little memory": _status(500, "model requires more system memory (3.2 GiB) than is available (1.1 GiB)"),
    "500: too little memory on the GPU": _status(500, "cudaMalloc failed: out of memory"),
    "500: a bad template": _status(500, "template: :1: unclosed action"),
}
"""The server, or what stands in front of it, is at fault, and answers questions all the same."""

PASSING: Mapping[str, Told] = {
    "connections refused": {"kind": "refuse", "seconds": 2},
    "403 without a body": _status(403, "", times=2),
    "503: too many requests": _status(503, times=2),
    "404: the model is missing": {"kind": "model_gone"},
    "404 though the model is installed": {"kind": "status", "status": 404},
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

STRANGE: Mapping[str, Told] = {
    "a redirect": {"kind": "redirect", "status": 302, "text": "http://127.0.0.1:9/api/generate"},
    "a gateway's page": {"kind": "page", "status": 502},
    "an error object": {"kind": "error_object", "status": 500},
    "an error of 2 MB": {"kind": "long_error", "status": 500},
    "a stranger's text with 200": {"kind": "foreign", "status": 200},
    "a stranger's text with 500": {"kind": "foreign", "status": 500},
    "no HTTP": {"kind": "no_http"},
    "a compressed body that becomes 300 MB": {"kind": "bomb"},
    "a line without an end": {"kind": "endless_line"},
    "a line of three million lists": {"kind": "endless_values"},
    "a head without an end": {"kind": "endless_head"},
    "a chunk's size without an end": {"kind": "endless_chunk_size"},
    "a tool call of 300 levels": {"kind": "deep_tool_call"},
    "tokens without an end": {"kind": "endless_tokens"},
    "interim answers without an end": {"kind": "continues"},
    "a byte each half second": {"kind": "drip"},
    "a byte of the head each half second": {"kind": "drip_head"},
}
"""No Ollama does it: somebody else answers in its place, or means harm."""

ODD: Mapping[str, Told] = {
    "a record of 300 levels": {"kind": "deep_record"},
    "counts that are no numbers": {"kind": "not_a_number"},
    "counts that are too large": {"kind": "huge_number"},
    "a record of 100,000 fields": {"kind": "many_fields"},
    "a record with our fields": {"kind": "our_fields"},
    "half a character": {"kind": "lone_surrogate"},
}
"""The answer is whole, and its last record has what cannot be kept or told."""
