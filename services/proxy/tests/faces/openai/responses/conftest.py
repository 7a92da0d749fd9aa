"""What the tests of responses share: a prompt, its answer, and what is known of the model."""

from __future__ import annotations

import json

import pytest
from promptqueue.prompt import Priority, Progress, Prompt, Status
from proxy.calls.answer import Answer
from proxy.calls.writer import Standing
from proxy.faces.openai.responses.reading.asked import read
from proxy.faces.openai.responses.reading.past import Past
from proxy.faces.openai.responses.writing.response import Response

PROMPT_ID = "0123abcd-0000-4000-8000-00000000000f"
DIGITS = PROMPT_ID.replace("-", "")
CREATED_AT = 1_795_431_102.7
LARGEST = 1_000_000
NOTHING = Past()


@pytest.fixture
def digits():
    return DIGITS


@pytest.fixture
def prompt_id():
    return PROMPT_ID


@pytest.fixture
def ask():
    """Read a body; without one a small one of these fields."""

    def ask(*bodies, past=NOTHING, largest=LARGEST, **fields):
        [body] = bodies or [{"model": "llama3.2", "input": "hi", **fields}]
        return read(body, past=past, longest=4096, largest=largest)

    return ask


@pytest.fixture
def make_prompt():
    def make_prompt(status=Status.QUEUED, attempt=0, **changed):
        values = {
            "id": PROMPT_ID,
            "status": status,
            "outcome": None,
            "priority": Priority.INTERACTIVE,
            "attempt": attempt,
            "failures": 0,
            "tokens": None,
            "created_at": CREATED_AT,
            "started_at": None,
            "completed_at": None,
            "expires_at": None,
            "error": None,
            "metadata": None,
            "timeout": None,
            "overdue": False,
        }
        return Prompt(**{**values, **changed})

    return make_prompt


@pytest.fixture
def stand(make_prompt):
    """Say where the prompt stands."""

    def stand(status=Status.QUEUED, attempt=0, position=None, eta=None):
        prompt = make_prompt(status, attempt)
        return Standing(Progress(prompt=prompt, position=position, text_attempt=0, text_length=0), eta)

    return stand


@pytest.fixture
def make_response(ask, make_prompt):
    def make_response(**fields):
        asked = ask(**fields)
        return Response.of(make_prompt(metadata=asked.metadata), asked.echo)

    return make_response


@pytest.fixture
def make_answer():
    def make_answer(text="token1 token2", calls=(), reason="stop"):
        message = {"role": "assistant", "content": text, **({"tool_calls": list(calls)} if calls else {})}
        record = {"message": message, "done_reason": reason, "prompt_eval_count": 36, "eval_count": 2}
        return Answer(record, CREATED_AT)

    return make_answer


@pytest.fixture
def call():
    return {"function": {"name": "weather", "arguments": {"city": "Zürich"}}}


@pytest.fixture
def events():
    """Read the events in bytes; comments are passed over."""

    def events(written):
        found = []
        for block in written.decode("ascii").split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
            if lines:
                data = json.loads(lines["data"])
                assert lines["event"] == data["type"]
                found.append(data)
        return found

    return events
