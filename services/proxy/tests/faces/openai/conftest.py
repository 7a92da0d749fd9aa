"""What the tests of OpenAI's face share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from promptqueue.prompt import Priority, Progress, Prompt, Status
from proxy.calls.writer import Standing

sys.path.append(str(Path(__file__).parent))  # pytest imports without it, and the tests share a module

ID = "0123abcd-0000-4000-8000-000000000000"


def prompt_at(**changed):
    nothing = dict.fromkeys(
        ("outcome", "tokens", "started_at", "completed_at", "expires_at", "error", "metadata", "timeout")
    )
    return Prompt(
        **{
            "id": ID,
            "status": Status.QUEUED,
            "priority": Priority.INTERACTIVE,
            "attempt": 0,
            "failures": 0,
            "created_at": 1_795_431_096.9,
            "overdue": False,
            **nothing,
            **changed,
        }
    )


@pytest.fixture
def prompt():
    """A prompt as it was accepted."""
    return prompt_at()


@pytest.fixture
def standing():
    """Say where a prompt stands."""

    def standing(position, eta=None):
        return Standing(
            progress=Progress(prompt=prompt_at(), position=position, text_attempt=0, text_length=0), eta_seconds=eta
        )

    return standing


@pytest.fixture
def chunks():
    """What a writer writes for a stream of these pieces and this end, a list of HTTP chunks."""

    def chunks(writer, pieces, answer):
        written, offset = [], 0
        for piece in pieces:
            written.append(writer.text(piece, attempt=1, offset=offset))
            offset += len(piece)
        return [each for each in [*written, *writer.ending(answer, attempt=1)] if each]

    return chunks
