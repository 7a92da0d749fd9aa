"""A proxy that is killed or stopped: what was accepted is there when it is back."""

import socket
import threading
from collections.abc import Callable

import pytest
from simulator.client import Simulator
from support.stack import Stack
from support.waiting import until

KEY = "3f0d2c8e-1d5b-4f6e-9a77-key-of-a-client"


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


@pytest.mark.parametrize("server", ["gunicorn", "development"])
def test_a_proxy_that_holds_requests_ends_at_once_when_told_to(build: Callable[..., Stack], server: str) -> None:
    stack = build()  # without a worker: nothing will ever change
    proxy = stack.start_proxy() if server == "gunicorn" else stack.start_development_proxy()
    prompt_id = stack.submit("Are you there?")
    with socket.create_connection(("127.0.0.1", stack.port), timeout=10) as held:
        held.sendall(f"GET /api/v1/prompt/{prompt_id}/result?wait=60 HTTP/1.1\r\nHost: proxy\r\n\r\n".encode())
        for _ in range(5):
            stack.get("/healthz")  # came later and is answered: the other one is held

        proxy.terminate()

        assert proxy.wait(5) == 0
        assert held.makefile("rb").readline().startswith(b"HTTP/1.1 202")
    assert stack.processes(proxy) == []


@pytest.mark.ollama(text="short")
def test_a_key_that_is_used_again_after_a_restart_gives_the_same_prompt(
    build: Callable[..., Stack], simulator: Simulator
) -> None:
    stack = build()
    stack.start_worker()
    proxy = stack.start_proxy()
    prompt_id = stack.submit("Only once, please.", key=KEY)
    stack.result(prompt_id)

    proxy.terminate()
    proxy.wait(10)
    stack.start_proxy()

    again = stack.post("/api/v1/prompt", {"prompt": "Only once, please."}, Idempotency_Key=KEY)
    assert (again.status, again.json["id"], again.json["status"]) == (202, prompt_id, "completed")
    other = stack.post("/api/v1/prompt", {"prompt": "Something else."}, Idempotency_Key=KEY)
    assert (other.status, other.json["error"]["code"]) == (409, "idempotency_conflict")
    assert len(simulator.calls()) == 1
