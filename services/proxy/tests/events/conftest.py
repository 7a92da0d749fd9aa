"""What the tests of event streams share: somebody who follows, and a prompt that was answered."""

import pytest
from proxy.live import updates
from support.events import events_in

TEXT = "Rayleigh \U0001f30d\u2028scatters\n\n the blue."


@pytest.fixture(name="path_of")
def _path_of():
    return path_of


def path_of(prompt_id):
    return f"/api/v1/prompt/{prompt_id}/events"


@pytest.fixture
def text():
    return TEXT


@pytest.fixture
def followed(app, client, follow, until):
    """Follow a prompt, and wait until its stream has sent something."""

    def followed(prompt_id, **headers):
        one = follow(client, path_of(prompt_id), **headers)
        until(lambda: one.events)
        return one

    return followed


@pytest.fixture
def finished(client, submit, worker):
    """A prompt that was answered with TEXT."""
    prompt_id = submit()
    worker.answer({"response": TEXT, "done": True})
    return prompt_id


@pytest.fixture
def read(client):
    """Read a stream to its end."""

    def read(path, last_event_id=None):
        answer = client.get(path, headers={} if last_event_id is None else {"Last-Event-ID": last_event_id})
        assert answer.status_code == 200, answer.text
        return [(event.id, event.kind, event.data) for event in events_in(answer.data.splitlines(keepends=True))]

    return read


@pytest.fixture
def unwoken(monkeypatch):
    """No look without a wake-up."""
    monkeypatch.setattr(updates, "LOOK_EVERY", 3_600.0)
