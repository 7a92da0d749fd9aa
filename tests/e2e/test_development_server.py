"""`python -m proxy`: the same application without Gunicorn."""

from collections.abc import Callable

import pytest
from simulator.client import Simulator
from simulator.text import answer_to
from support.stack import Stack


@pytest.mark.ollama(pace=0.002)
def test_the_development_server_serves_the_same(build: Callable[..., Stack], simulator: Simulator) -> None:
    stack = build()
    stack.start_worker()
    stack.start_development_proxy()

    prompt_id = stack.submit("Why is the sky blue?")
    early = stack.get(f"/api/v1/prompt/{prompt_id}/result")
    changed = stack.get(f"/api/v1/prompt/{prompt_id}/status?wait=20&unless=queued")

    assert (early.status, early.json["status"]) == (202, "queued")
    assert changed.json["status"] in {"processing", "completed"}
    assert stack.answer(prompt_id) == answer_to("Why is the sky blue?")
    assert stack.status(prompt_id)["outcome"] == "succeeded"
    assert "<title>Ollama Proxy</title>" in stack.get("/").text
    assert len(simulator.calls()) == 1
