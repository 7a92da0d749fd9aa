"""What the clock tells of somebody else's prompts over HTTP: nothing."""

from __future__ import annotations

import random
import uuid

import pytest
from promptqueue.prompt import NewPrompt
from support.noise import CERTAIN, TRIES, difference

OF_TEXTS = ["{}/status", "{}", "{}/result", "{}/events"]


@pytest.fixture
def hers(queue, key):
    """The ids of a stranger's prompts."""
    key("anna")
    [anna] = [owner.number for owner in queue.owners() if owner.name == "anna"]
    return [each.prompt.id for each in queue.enqueue(*(NewPrompt(request={}, owner=anna) for _ in range(1_000)))]


@pytest.mark.parametrize("path", OF_TEXTS)
def test_the_time_until_an_answer_does_not_tell_anothers_id_from_a_random_one(app, queue, hers, key, path):
    client, bob = app.test_client(), key("bob")
    queue.limit_owner("bob", {"requests_a_second": 1e6})

    def ask(prompt_id):
        assert client.get(f"/api/v1/prompt/{path.format(prompt_id)}", headers=bob).status_code == 404

    ids = {"hers": lambda: str(uuid.UUID(random.choice(hers))), "random": lambda: str(uuid.uuid4())}

    assert abs(difference(ask, ids, TRIES // 4)) < CERTAIN
