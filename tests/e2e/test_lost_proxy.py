"""A proxy that is killed or stopped: what was accepted is there when it is back."""

import threading
from collections.abc import Callable

import pytest
from support.stack import Stack
from support.waiting import until


@pytest.mark.both_engines
@pytest.mark.ollama(pace=0.01, text="short")
def test_every_prompt_that_was_accepted_outlives_a_killed_proxy(build: Callable[..., Stack]) -> None:
    stack = build()
    stack.start_worker()
    proxy = stack.start_proxy()
    accepted: list[str] = []

    def submit_for_ever() -> None:
        while (reply := stack.post("/api/v1/prompt", {"prompt": "Are you there?"})).status == 202:
            accepted.append(reply.json["id"])

    clients = [threading.Thread(target=submit_for_ever) for _ in range(4)]
    for client in clients:
        client.start()
    until(lambda: len(accepted) >= 20, "the proxy is busy")

    stack.kill(proxy)
    for client in clients:
        client.join()
    stack.start_proxy()

    assert [stack.answer(prompt_id) for prompt_id in accepted] == ["short"] * len(accepted)


def test_a_killed_process_of_gunicorn_is_replaced(build: Callable[..., Stack]) -> None:
    stack = build()
    stack.start_worker()
    master = stack.start_proxy()
    prompt_id = stack.submit("Are you there?")

    lost = next(process for process in stack.processes(master) if process.parent == master.pid)
    lost.signal(9)

    until(lambda: stack.get("/healthz").status == 200, "the proxy answers again")
    assert stack.result(prompt_id).status == 200
