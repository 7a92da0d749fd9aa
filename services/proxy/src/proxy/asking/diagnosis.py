"""Diagnosis: what most likely happened to a body that is not JSON, in words for its sender."""

import re

FROM_A_FILE = r'write \" inside of "…", or send it from a file, with curl --data-binary @body.json'

SIGNS = [
    (rb"\Z", "It is empty: send one JSON object"),
    (rb"\\?'", f"It begins with a single quote, which cmd does not take off: {FROM_A_FILE}"),
    (rb"[{[]\s*\\['\"]", "It has backslashes before its quotes, which the shell passed on: leave them out"),
    (rb"[{[]\s*'", "It has single quotes where JSON has double ones, as Python prints a dict: use json.dumps"),
    (rb"[{[]\s*\xe2\x80[\x98-\x9f]", "It has the quotes of a word processor: write straight ones"),
    (rb"\{\s*[A-Za-z_]", f"Its quotes are gone, as PowerShell and cmd take them off: {FROM_A_FILE}"),
    (rb"[\w.%+-]{1,100}=", 'It looks like a form: send JSON, such as {"prompt": "Hello"}'),
]
"""How such bodies begin. No JSON begins so."""


def of(data: bytes) -> str | None:
    """Say what probably happened, and what to do; None where nothing points to it."""
    start = data[:1_000].lstrip()
    return next((words for sign, words in SIGNS if re.match(sign, start)), None)
