"""Two model servers: what is told of each, and which of them an answer names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from simulator.client import Simulator
from support.client import Client
from support.ports import free_port
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.stack import Stack

BOTH = 8  # prompts, of which each server that is idle takes some


@pytest.mark.ollama(text="one", pace=0.05)
def test_an_answer_names_the_server_that_wrote_it_and_nothing_tells_its_password(
    build: Callable[..., Stack], simulator: Simulator
) -> None:
    port = free_port()
    with Simulator(text="two", pace=0.05) as other:
        urls = f"{simulator.url},{other.url.replace('//', '//anna:s3cret@')}"
        stack = build(OLLAMA_URLS=urls, METRICS_PORT=str(port))
        stack.start()
        until(lambda: [each["state"] for each in stack.queue()["servers"]] == ["ready"] * 2, "both are ready")

        results = [stack.result(prompt_id) for prompt_id in [stack.submit("Why?") for _ in range(BOTH)]]

        named = {result.json["response"]: result.headers["X-Served-By"] for result in results}
        held = stack.post("/api/generate", {"model": "llama3.2", "prompt": "Why?", "stream": False})
        told = {each["address"]: each for each in stack.queue()["servers"]}
        assert named == {"one": simulator.url, "two": other.url}
        assert held.headers["X-Served-By"] == named[held.json["response"]]
        assert told.keys() == {simulator.url, other.url}
        assert all(each["slots"] == 1 and each["seconds_per_prompt"] > 0 for each in told.values())
        metrics = Client(f"http://127.0.0.1:{port}").get("/metrics")
        assert f'ollama_proxy_server_busy{{server="{other.url}"}} 0.0' in metrics.text
        everything = [stack.get("/api/v1/queue"), *results, held, metrics, stack.get("/readyz")]
        assert all("s3cret" not in f"{reply.text} {reply.headers}" for reply in everything)
        assert "s3cret" not in stack.operate("status").stdout + stack.log("proxy") + stack.log("worker")


@pytest.mark.both_engines
@pytest.mark.ollama(text="one two three four five", pace=0.05)
def test_a_server_that_dies_costs_nobody_an_attempt_that_counts_and_answers_again_when_it_is_back(
    build: Callable[..., Stack], simulator: Simulator
) -> None:
    with Simulator(text="word " * 100, pace=0.05) as dies:
        stack = build(OLLAMA_URLS=f"{simulator.url},{dies.url}", MAX_FAILURES="1")  # a failure would end a prompt
        stack.start()
        until(lambda: [each["state"] for each in stack.queue()["servers"]] == ["ready"] * 2, "both are ready")
        ids = [stack.submit("Why?") for _ in range(BOTH)]
        dies.wait_for_tokens(1, 3)

        dies.kill()

        results = [stack.result(prompt_id) for prompt_id in ids]
        assert [(result.status, result.headers["X-Served-By"]) for result in results] == [(200, simulator.url)] * BOTH
        assert max(stack.status(prompt_id)["attempt"] for prompt_id in ids) == 2
        told = {each["address"]: each["state"] for each in stack.queue()["servers"]}
        assert told == {simulator.url: "ready", dies.url: "unreachable"}
        dies.start()
        dies.set(text="back")
        until(lambda: [each["state"] for each in stack.queue()["servers"]] == ["ready"] * 2, "it is back")
        again = [stack.result(prompt_id) for prompt_id in [stack.submit("Why?") for _ in range(BOTH)]]
        assert dies.url in {result.headers["X-Served-By"] for result in again}
