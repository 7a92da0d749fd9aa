"""What only containers have: rights taken away, limits, networks, healths; and how they start, end and are replaced."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from support import ROOT
from support.composed import SERVICES, docker
from support.machine import BUILT_WITHIN
from support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from support.composed import Composed

pytestmark = pytest.mark.timeout(BUILT_WITHIN)

LISTENING = {"frontend": {8080}, "ollama": {11434}, "proxy": {8000}, "worker": set()}
LIMITED = ("frontend", "proxy", "worker")
NOTHING = "0" * 16


def identities(product: Composed) -> dict[str, str]:
    found = {service: product.inspect(service) for service in SERVICES}
    return {service: one["Id"] + one["State"]["StartedAt"] for service, one in found.items()}


def inside(product: Composed, service: str, path: str) -> str:
    """Read a file in the container."""
    return product.run_in(service, "cat", path).stdout


# ---- as seen from inside ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
def test_a_process_has_no_rights_that_it_does_not_need(service: str, in_containers: Composed) -> None:
    status = inside(in_containers, service, "/proc/1/status")

    found = dict(re.findall(r"^(CapEff|CapBnd|NoNewPrivs|Uid):\s+(\S+)", status, re.MULTILINE))
    user = {"frontend": "101"}.get(service, "10001")
    assert found == {"Uid": user, "CapEff": NOTHING, "CapBnd": NOTHING, "NoNewPrivs": "1"}
    assert in_containers.inspect(service)["HostConfig"]["Privileged"] is False


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_can_be_written_but_to_the_places_meant_for_it(service: str, in_containers: Composed) -> None:
    attempts = {folder: in_containers.run_in(service, "touch", f"{folder}/new") for folder in ("", "/etc", "/tmp")}

    assert "Read-only file system" in attempts[""].stderr
    assert "Read-only file system" in attempts["/etc"].stderr
    assert attempts["/tmp"].returncode == 0


@pytest.mark.parametrize("service", LIMITED)
def test_memory_and_processes_have_limits(service: str, in_containers: Composed) -> None:
    told = in_containers.inspect(service)["HostConfig"]
    # Version 2 of cgroups has the first of each pair, version 1 the second.
    memory, processes = (
        inside(in_containers, service, first) or inside(in_containers, service, second)
        for first, second in (
            ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"),
            ("/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"),
        )
    )

    assert (int(memory), int(processes)) == (told["Memory"], told["PidsLimit"])


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_listens_where_it_must_and_nowhere_else(service: str, in_containers: Composed) -> None:
    tables = inside(in_containers, service, "/proc/net/tcp") + inside(in_containers, service, "/proc/net/tcp6")

    # Address and port in hexadecimal digits, the other end, and 0A: it listens. 0B00007F is Docker's own name server.
    found = re.findall(r"^ *\d+: ([0-9A-F]+):([0-9A-F]+) \S+ 0A ", tables, re.MULTILINE)
    assert {int(port, 16) for address, port in found if address != "0B00007F"} == LISTENING[service]


def test_frontend_and_ollama_cannot_reach_each_other_and_the_worker_reaches_no_door(in_containers: Composed) -> None:
    unknown = {"frontend": ("ollama", "worker"), "worker": ("proxy", "frontend"), "ollama": ("proxy", "frontend")}

    for service, others in unknown.items():
        for other in others:
            assert in_containers.run_in(service, "getent", "hosts", other).returncode == 2, f"{service} → {other}"
    assert in_containers.run_in("worker", "getent", "hosts", "ollama").returncode == 0


def test_the_doors_are_open_to_this_machine_alone_and_no_other_is_open(in_containers: Composed) -> None:
    published = {service: in_containers.inspect(service)["NetworkSettings"]["Ports"] for service in SERVICES}

    bound = {
        service: {binding["HostIp"] for bindings in ports.values() for binding in bindings or []}
        for service, ports in published.items()
    }
    assert bound == {"frontend": {"127.0.0.1"}, "proxy": {"127.0.0.1"}, "ollama": set(), "worker": set()}


# ---- start, end, replacement -----------------------------------------------------------------------------------------


def test_no_log_complains_of_an_ordinary_start(in_containers: Composed) -> None:
    in_containers.stop()
    in_containers.start()

    for service in LIMITED:
        log = in_containers.log(service)
        assert not re.search(r"error|critical|alert|traceback|denied|read-only", log, re.IGNORECASE), log


def test_the_model_is_fetched_by_nobody_but_the_worker(in_containers: Composed) -> None:
    in_containers.erase()

    in_containers.start()

    in_containers.until_ready()
    assert "download finished model=llama3.2" in in_containers.log("worker")


def test_starting_what_runs_touches_no_container(in_containers: Composed) -> None:
    before = identities(in_containers)

    in_containers.start()

    assert identities(in_containers) == before


def test_everything_ends_in_peace_when_it_is_told_to(in_containers: Composed) -> None:
    in_containers.compose("stop")

    ended = {service: in_containers.inspect(service)["State"]["ExitCode"] for service in SERVICES}
    in_containers.start()
    assert ended == dict.fromkeys(SERVICES, 0)


def test_the_front_door_opens_without_a_proxy_and_finds_it_when_it_comes(in_containers: Composed) -> None:
    in_containers.compose("rm", "--stop", "--force", "proxy")
    in_containers.compose("restart", "frontend")
    gone = until(lambda: (reply := in_containers.get("/api/v1/queue")).status and reply, "the frontend answers")

    in_containers.start()

    assert (gone.status, gone.json["error"]["code"]) == (502, "proxy_unavailable")
    found = until(lambda: (r := in_containers.get("/api/v1/queue")).status == 200 and r, "the proxy answers through it")
    exposed = [reply.headers["Access-Control-Expose-Headers"].split(", ") for reply in (gone, found)]
    assert set(exposed[0]) == set(exposed[1])


def test_the_frontend_finds_the_proxy_where_another_name_server_than_dockers_is_asked(
    in_containers: Composed, tmp_path: Path
) -> None:
    shutil.copy(ROOT / "tests/e2e/other_network.py", tmp_path)
    mounted = ("--volume", f"{tmp_path}:/test:ro", "python:3.13-slim", "python", "/test/other_network.py")
    # Docker's default network has no name server of its own: its containers ask the one that is named.
    other = docker("run", "--detach", "--rm", *mounted).strip()
    frontend = ""
    try:
        address = json.loads(docker("inspect", other))[0]["NetworkSettings"]["IPAddress"]
        hardened = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--dns", address)
        frontend = docker("run", "--detach", "--rm", *hardened, in_containers.image("frontend")).strip()

        def asked() -> str:
            request = "exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"
            command = ["docker", "exec", frontend, "bash", "-c", request]
            return subprocess.run(command, capture_output=True, text=True, check=False).stdout

        until(lambda: asked().endswith("found"), f"the proxy of {address} answers through nginx")
    finally:
        docker("rm", "--force", *filter(None, [other, frontend]))


def test_a_worker_whose_program_dies_is_mended_inside_its_container(in_containers: Composed) -> None:
    in_containers.until_ready()
    started = in_containers.inspect("worker")["State"]["StartedAt"]
    kill = """
import os, signal
for pid in filter(str.isdigit, os.listdir("/proc")):
    if open(f"/proc/{pid}/cmdline").read().split("\\0")[1:3] == ["-m", "worker"]:
        os.kill(int(pid), signal.SIGKILL)
        print("killed")
"""

    assert in_containers.run_in("worker", "python", "-c", kill).stdout == "killed\n"

    assert in_containers.answer(in_containers.ask("Answered by the next process.", tokens=5))
    assert in_containers.inspect("worker")["State"]["StartedAt"] == started


def test_a_worker_that_cannot_be_mended_ends_and_is_started_anew_by_docker(in_containers: Composed) -> None:
    kill_each = """
import contextlib, os, signal, time
until = time.monotonic() + 60
while time.monotonic() < until:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if open(f"/proc/{pid}/cmdline").read().split("\\0")[1:3] == ["-m", "worker"]:
                os.kill(int(pid), signal.SIGKILL)
    time.sleep(0.05)
"""
    restarts = in_containers.inspect("worker")["RestartCount"]

    killing = in_containers.run_in("worker", "python", "-c", kill_each)
    assert killing.returncode == 137, killing  # it ended with the container

    until(lambda: in_containers.inspect("worker")["RestartCount"] > restarts, "Docker has started it anew", 60)
    assert "program given up" in in_containers.log("worker")
    in_containers.until_ready()


def test_a_setting_that_is_not_understood_is_told_once_by_a_container_that_ends(in_containers: Composed) -> None:
    command = ["docker", "run", "--rm", "--env", "OLLAMA_PULL=perhaps", in_containers.image("worker")]

    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert ended.stderr.splitlines() == ["OLLAMA_PULL must be one of auto, never, got 'perhaps'."]


def test_without_a_model_everything_is_healthy_and_prompts_wait_for_it(in_containers: Composed) -> None:
    in_containers.erase()

    in_containers.start(OLLAMA_PULL="never")
    waiting = in_containers.ask("Answered once there is a model.", tokens=5)
    until(lambda: in_containers.queue()["model"]["state"] == "missing", "it is known that the model is missing")
    readiness = in_containers.get("/readyz")

    assert (readiness.status, readiness.json["checks"]["model"]["ok"]) == (503, False)
    assert in_containers.status(waiting)["status"] == "queued"
    in_containers.start()
    assert in_containers.until_status(waiting, "completed", 60)["outcome"] == "succeeded"


def test_a_proxy_to_the_outside_reaches_ollama_alone_and_nothing_within_goes_through_it(
    in_containers: Composed,
) -> None:
    outside = {"HTTPS_PROXY": "http://192.0.2.1:3128", "HTTP_PROXY": "http://192.0.2.1:3128", "NO_PROXY": "example.com"}

    in_containers.start(**outside)  # everything is healthy
    in_containers.until_ready()

    for service in SERVICES:
        words = inside(in_containers, service, "/proc/1/environ").split("\0")
        reached = {name: value for name, _, value in (word.partition("=") for word in words) if name in outside}
        assert reached == (outside if service == "ollama" else {}), service
    assert in_containers.answer(in_containers.ask("Answered without a detour.", tokens=5))
    in_containers.start()


def test_below_a_path_both_doors_serve_everything(in_containers: Composed) -> None:
    in_containers.start(BASE_PATH="/ollama")

    for door in (in_containers, in_containers.proxy):
        assert "<title>Ollama Proxy</title>" in door.get("/ollama/").text
        told = door.post("/ollama/api/v1/prompt", {"prompt": "Below a path."})
        assert told.headers["Location"].startswith("/ollama/api/v1/prompt/")
        assert door.get(told.headers["Location"]).json["id"] == told.json["id"]
    in_containers.start()


def test_a_volume_that_belongs_to_root_is_told_with_the_command_that_helps(in_containers: Composed) -> None:
    in_containers.stop()
    volume = f"{in_containers.name}_queue:/data"
    docker("run", "--rm", "--volume", volume, "python:3.13-slim", "chown", "-R", "0:0", "/data")
    in_containers.compose("up", "--detach")

    def told() -> str | None:
        found = re.search(r'belongs to user 0, .*: (docker run .*)\."$', in_containers.log("worker"), re.MULTILINE)
        return found[1] if found else None

    command = until(told, "the worker tells what helps", 60)
    subprocess.run(command.split(), check=True)

    in_containers.until_ready()


def test_a_second_ollama_is_refused_instead_of_taking_half_of_the_prompts(in_containers: Composed) -> None:
    in_containers.until_ready()

    with pytest.raises(AssertionError, match="is already in use"):
        in_containers.compose("--profile", "gpu-nvidia", "up", "--detach", "ollama-nvidia")

    assert in_containers.get("/readyz").status == 200
