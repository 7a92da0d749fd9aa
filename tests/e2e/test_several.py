"""Several proxies and workers with their queue in PostgreSQL, as compose.postgres.yaml starts them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from support import ROOT
from support.composed import docker
from support.machine import BUILT_WITHIN
from support.several import MANY, Several
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.front_door import FrontDoor

pytestmark = pytest.mark.timeout(BUILT_WITHIN)


@pytest.fixture(scope="module")
def several(engine: None) -> Iterator[Several]:
    """Two proxies, three workers, one Ollama that answers one prompt at a time."""
    product = Several()
    try:
        product.build()
        product.start()
        product.until_ready()
        yield product
    finally:
        product.leave_nothing()


@pytest.fixture
def looking(several: Several) -> Iterator[Callable[[], list[int]]]:
    """Look at the queue again and again, at both doors; the statuses that came so far."""
    statuses: list[int] = []
    enough = threading.Event()

    def look() -> None:
        while not enough.is_set():
            statuses.extend(door.get("/api/v1/queue").status for door in (several, several.proxy))

    looker = threading.Thread(target=look)
    looker.start()
    yield lambda: statuses
    enough.set()
    looker.join()


def hand_in(door: FrontDoor, key: str) -> str:
    """Hand in a prompt, again under its key while nobody takes it; its id."""

    def accepted() -> str | None:
        reply = door.post(
            "/api/v1/prompt", {"prompt": "Are you there?", "options": {"num_predict": 3}}, Idempotency_Key=key
        )
        assert reply.status in (202, 502, 503), reply.text  # a proxy broke off, or the server is away
        return str(reply.json["id"]) if reply.status == 202 else None

    return until(accepted, f"{key} is accepted")


def hand_in_some(several: Several, name: str) -> list[str]:
    doors = (several, several.proxy)
    return [hand_in(doors[number % 2], f"{name}-of-the-test-{number}") for number in range(20)]


def working(several: Several, prompt_id: str, among: list[str]) -> str:
    """Find the worker that has answered a prompt."""
    line = f"prompt finished id={prompt_id}"
    return until(lambda: next((each for each in among if line in several.log(each)), None), f"a log says: {line}")


def test_every_prompt_is_answered_though_a_proxy_and_then_each_worker_is_killed(
    several: Several, looking: Callable[[], list[int]]
) -> None:
    accepted = hand_in_some(several, "before")
    workers, proxies = several.several("worker"), several.several("proxy")
    until(lambda: all("prompt accepted" in several.log(each) for each in proxies), "each proxy accepts some of them")

    several.kill_one(proxies[0])
    for number in range(len(workers) - 1):  # one after the other: one Ollama has one slot, and the others stand by
        answered = hand_in_some(several, f"round-{number}")
        accepted += answered
        several.answer(answered[0])
        several.kill_one(worker := working(several, answered[0], workers))
        workers.remove(worker)
    last = hand_in(several, "the-last-of-the-test")

    assert all(several.answer(found) for found in [*accepted, last])
    assert working(several, last, workers) == workers[0]
    assert {several.status(found)["outcome"] for found in accepted} == {"succeeded"}
    assert set(looking()) == {200}
    several.start()  # those that were killed are back


def completed(several: Several, prompt_id: str) -> dict[str, Any]:
    """Wait for a prompt's end; the status body."""

    def look() -> dict[str, Any] | None:
        reply = several.get(f"/api/v1/prompt/{prompt_id}/status")
        assert reply.status in (200, 503), reply.text  # the second until a proxy has found the server again
        return dict(reply.json) if reply.status == 200 and reply.json["status"] == "completed" else None

    return until(look, f"{prompt_id} is completed")


def test_a_restarted_server_costs_no_prompt(several: Several) -> None:
    asked = several.ask("Answered meanwhile.", tokens=100)
    several.until_status(asked, "processing")

    several.compose("restart", "postgres")

    ended = completed(several, asked)
    assert (ended["outcome"], ended["attempt"]) == ("succeeded", 1)
    assert completed(several, hand_in(several, "after-the-restart"))["outcome"] == "succeeded"


def test_the_password_is_in_no_log_no_environment_and_nothing_that_docker_tells(several: Several) -> None:
    containers = several.compose("ps", "--quiet").split()

    told = docker("inspect", *containers) + several.compose("logs")
    environments = "".join(
        docker("exec", f"{several.name}-{each}-1", "sh", "-c", "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline")
        for each in ("proxy", "worker", "postgres")
    )

    assert len(several.password()) == 48
    assert several.password() not in told + environments


@pytest.mark.parametrize("service", ["proxy", "worker"])
def test_nothing_that_postgresql_needs_is_compiled_anew_at_each_start(service: str, several: Several) -> None:
    look = (
        "import sys, os, promptqueue.postgres.storage; print([name for name, module in sys.modules.items() "
        "if (path := getattr(module, '__cached__', None)) and not os.path.exists(path)])"
    )

    looked = several.compose("exec", "--no-TTY", service, "python", "-c", look)

    assert looked == "[]\n"


def test_the_line_of_the_readme_is_what_is_started_here() -> None:
    scale = " ".join(f"--scale {service}={many}" for service, many in reversed(MANY.items()))

    line = f"docker compose -f compose.yaml -f compose.postgres.yaml up {scale}\n"
    assert line in (ROOT / "README.md").read_text()
    assert line in (ROOT / "docs/postgres.md").read_text()


def test_frontend_and_ollama_do_not_reach_the_server(several: Several) -> None:
    for service in ("frontend", "ollama"):
        assert several.run_in(service, "getent", "hosts", "postgres").returncode == 2, service


def test_the_server_has_no_rights_and_writes_nowhere_but_to_its_volume(several: Several) -> None:
    status = several.run_in("postgres", "cat", "/proc/1/status").stdout

    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status
    assert "Uid:\t0" not in status
    assert "Read-only file system" in several.run_in("postgres", "touch", "/etc/new").stderr
