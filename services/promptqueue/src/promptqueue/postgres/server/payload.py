"""Notes as notifications: what travels by NOTIFY, and how many notes fit into one."""

import json
from collections.abc import Collection, Iterator

from promptqueue.notes import Changed, Note, Text, Written

CHANGES, TEXTS = "promptqueue_changes", "promptqueue_texts"
"""Channels: what was committed, and live text with word of what was written, for those who want it."""

LARGEST = 7_999  # bytes (https://www.postgresql.org/docs/current/sql-notify.html)


def of_ids(kind: str, prompt_ids: Collection[str | None]) -> str:
    """Write that something happened to these prompts; where they are too many, that something happened to any."""
    message = json.dumps({kind: [None] if None in prompt_ids else list(prompt_ids)})
    return message if len(message) <= LARGEST else json.dumps({kind: [None]})


def of_texts(texts: Collection[Text]) -> Iterator[str]:
    """Write live texts, in as many messages as it takes. One that is too long alone is left out: it is stored soon."""
    frame = len('{"texts":[]}')
    parts: list[str] = []
    length = frame
    for text in texts:
        part = json.dumps([text.prompt_id, text.attempt, text.offset, text.text], separators=(",", ":"))
        if frame + len(part) > LARGEST:
            continue
        if parts and length + 1 + len(part) > LARGEST:
            yield f'{{"texts":[{",".join(parts)}]}}'
            parts, length = [], frame
        length += len(part) + bool(parts)
        parts.append(part)
    if parts:
        yield f'{{"texts":[{",".join(parts)}]}}'


def notes(message: str) -> list[Note]:
    """Read notes; what a newer version sends is read as a change to any prompt."""
    try:
        match json.loads(message):
            case {"changed": [*prompt_ids]} if all(isinstance(one, str | None) for one in prompt_ids):
                return [Changed(prompt_id) for prompt_id in prompt_ids]
            case {"written": [*prompt_ids]} if all(isinstance(one, str) for one in prompt_ids):
                return [Written(prompt_id) for prompt_id in prompt_ids]
            case {"texts": [*texts]}:
                return [_text(*each) for each in texts]
    except (ValueError, TypeError, RecursionError):
        pass
    return [Changed(None)]


def _text(prompt_id: object, attempt: object, offset: object, text: object) -> Text:
    if not (isinstance(prompt_id, str) and isinstance(text, str) and type(attempt) is type(offset) is int):
        raise TypeError
    if attempt < 1 or offset < 0:
        raise ValueError
    return Text(prompt_id, attempt, offset, text)
