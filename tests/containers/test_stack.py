"""The unmodified compose.yaml, started with nothing prepared: no .env, no model, an empty volume."""

from __future__ import annotations

import re
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import pytest
from composed import SERVICES, docker
from waiting import until

if TYPE_CHECKING:
    from composed import Composed
    from http_call import Reply


def identities(stack: Composed) -> dict[str, str]:
    found = {service: stack.inspect(service) for service in SERVICES}
    return {service: one["Id"] + one["State"]["StartedAt"] for service, one in found.items()}


def ready(stack: Composed) -> Any:
    answer = stack.call("GET", "/readyz")
    return answer.json if answer.status == 200 else None


def at_the_front_door(stack: Composed) -> Reply | None:
    """Give the frontend's answer; None while it is not there."""
    try:
        return stack.call("GET", "/api/v1/queue", port=stack.frontend_port)
    except (OSError, HTTPException):
        return None


def in_hand(stack: Composed, prompt: str) -> bool:
    return bool(stack.status(prompt)["status"] == "processing")


def test_a_prompt_goes_in_at_one_door_and_its_answer_comes_out_at_the_other(stack: Composed) -> None:
    for submitted_at, read_at in (
        (stack.frontend_port, stack.proxy_port),
        (stack.proxy_port, stack.frontend_port),
    ):
        submitted = stack.call("POST", "/api/v1/prompt", {"prompt": "Say something."}, port=submitted_at)
        result = stack.call("GET", f"/api/v1/prompt/{submitted.json['id']}/result?wait=60", port=read_at)
        status = stack.call("GET", f"/api/v1/prompt/{submitted.json['id']}/status", port=read_at)

        assert (submitted.status, result.status) == (202, 200)
        assert result.json["response"]
        assert (status.json["status"], status.json["outcome"]) == ("completed", "succeeded")


def test_the_page_is_the_same_at_both_doors(stack: Composed) -> None:
    pages = [stack.call("GET", "/", port=port) for port in (stack.frontend_port, stack.proxy_port)]

    assert [page.status for page in pages] == [200, 200]
    assert pages[0].body == pages[1].body


def test_a_body_that_is_too_long_is_refused_at_both_doors_alike(stack: Composed) -> None:
    body = {"prompt": "a" * 5_000_000}

    answers = [stack.call("POST", "/api/v1/prompt", body, port=p) for p in (stack.frontend_port, stack.proxy_port)]

    assert [answer.status for answer in answers] == [413, 413]
    assert answers[0].json == answers[1].json


def test_the_model_was_fetched_by_nobody_but_the_worker(stack: Composed) -> None:
    log = stack.compose("logs", "--no-log-prefix", "worker")

    assert "download finished model=llama3.2" in log
    assert until(lambda: ready(stack), "a ready product")["checks"]["model"]["ok"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_has_no_rights_that_it_does_not_need(service: str, stack: Composed) -> None:
    host = stack.inspect(service)["HostConfig"]
    status = stack.run_in(service, "cat", "/proc/1/status").stdout  # of the process, not of what was asked for

    found = dict(re.findall(r"^(CapEff|CapBnd|NoNewPrivs|Uid):\s+(\S+)", status, re.MULTILINE))
    user = {"frontend": "101"}.get(service, "10001")
    nothing = "0" * 16
    assert found == {"Uid": user, "CapEff": nothing, "CapBnd": nothing, "NoNewPrivs": "1"}
    assert (host["Privileged"], host["ReadonlyRootfs"]) == (False, True)


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_can_be_written_to_the_root(service: str, stack: Composed) -> None:
    attempt = stack.run_in(service, "touch", "/anywhere")

    assert "Read-only file system" in attempt.stderr


def test_the_limits_hold(stack: Composed) -> None:
    for service in ("frontend", "proxy", "worker"):
        host = stack.inspect(service)["HostConfig"]

        assert host["Memory"] > 0, service
        assert host["PidsLimit"] > 0, service


def test_ollama_cannot_be_reached_from_outside_nor_from_the_frontend(stack: Composed) -> None:
    published = stack.inspect("ollama")["NetworkSettings"]["Ports"]
    lookup = stack.run_in("frontend", "getent", "hosts", "ollama")

    assert not any(published.values())
    assert (lookup.returncode, lookup.stdout) == (2, "")


def test_the_doors_are_open_to_this_machine_alone(stack: Composed) -> None:
    for service in ("frontend", "proxy"):
        bindings = stack.inspect(service)["NetworkSettings"]["Ports"].values()

        assert {binding["HostIp"] for found in bindings for binding in found or []} == {"127.0.0.1"}


def test_no_log_complains_at_the_start(stack: Composed) -> None:
    for service in ("frontend", "proxy", "worker"):
        log = stack.compose("logs", "--no-log-prefix", service)

        assert not re.search(r"error|critical|alert|traceback|denied|read-only", log, re.IGNORECASE), log


def test_starting_what_runs_changes_nothing(stack: Composed) -> None:
    before = identities(stack)

    stack.up()

    assert identities(stack) == before


def test_the_front_door_opens_without_a_proxy_and_finds_it_when_it_comes(stack: Composed) -> None:
    stack.compose("rm", "--stop", "--force", "proxy")
    stack.compose("restart", "frontend")
    gone = until(lambda: at_the_front_door(stack), "an answer of the frontend alone")

    stack.up()

    assert (gone.status, gone.json["error"]["code"]) == (502, "proxy_unavailable")
    found = until(lambda: (a := at_the_front_door(stack)) and a.status == 200 and a, "the proxy's answer")
    exposed = [answer.headers["Access-Control-Expose-Headers"].split(", ") for answer in (gone, found)]
    assert set(exposed[0]) == set(exposed[1])


def test_a_worker_that_is_killed_loses_no_prompt(stack: Composed) -> None:
    prompt = stack.submit("Answered by the second worker.")
    until(lambda: in_hand(stack, prompt), "the prompt in hand", every=0.01)

    docker("kill", stack.container("worker"))
    docker("start", stack.container("worker"))  # as Docker does itself after a crash, but not after `docker kill`

    status = stack.finished(prompt)
    assert (status["outcome"], status["attempt"]) == ("succeeded", 2)


def test_a_worker_whose_program_dies_is_mended_inside_its_container(stack: Composed) -> None:
    started = stack.inspect("worker")["State"]["StartedAt"]
    kill = """
import os, signal
for pid in filter(str.isdigit, os.listdir("/proc")):
    if open(f"/proc/{pid}/cmdline").read().split("\\0")[1:3] == ["-m", "worker"]:
        os.kill(int(pid), signal.SIGKILL)
        print("killed")
"""

    assert stack.run_in("worker", "python", "-c", kill).stdout == "killed\n"

    assert stack.finished(stack.submit("Answered by the next process."))["outcome"] == "succeeded"
    assert stack.inspect("worker")["State"]["StartedAt"] == started


def test_the_queue_outlives_its_containers(stack: Composed) -> None:
    answered = stack.submit("Answered before.")
    stack.finished(answered)
    stack.compose("stop", "worker")
    waiting = stack.submit("Answered after.")

    stack.compose("down")
    stack.up()

    assert stack.call("GET", f"/api/v1/prompt/{answered}/result").json["response"]
    assert stack.finished(waiting)["outcome"] == "succeeded"


def test_everything_ends_in_peace_when_it_is_told_to(stack: Composed) -> None:
    stack.compose("stop")

    ended = {service: stack.inspect(service)["State"]["ExitCode"] for service in SERVICES}
    stack.up()
    assert ended == dict.fromkeys(SERVICES, 0)


def test_without_a_model_everything_is_healthy_and_prompts_wait_for_it(stack: Composed) -> None:
    stack.compose("down", "--volumes")

    stack.up(OLLAMA_PULL="never")
    waiting = stack.submit("Answered once there is a model.")
    until(lambda: stack.call("GET", "/api/v1/queue").json["model"]["state"] == "missing", "a missing model")
    answer = stack.call("GET", "/readyz")

    assert (answer.status, answer.json["checks"]["model"]["ok"]) == (503, False)
    assert stack.status(waiting)["status"] == "queued"
    stack.up()
    assert stack.finished(waiting)["outcome"] == "succeeded"
