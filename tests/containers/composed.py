"""The product as compose.yaml starts it, under a name and on ports of its own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import uuid
from pathlib import Path
from typing import Any

from http_call import Reply, call
from waiting import until

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("frontend", "ollama", "proxy", "worker")
FINAL = ("succeeded", "failed", "cancelled", "expired")


def compose_is_missing() -> str | None:
    """Why `docker compose` cannot be run; None when it can."""
    if shutil.which("docker") is None:
        return "no docker: compose.yaml is only read, not asked"
    if _run(["docker", "compose", "version"], check=False).returncode:
        return "docker is here, but its compose plugin is not"
    return None


def engine_is_missing() -> str | None:
    """Why no container can be run; None when one can."""
    answer = _run(["docker", "info", "--format", "{{.ServerVersion}}"], check=False)
    return None if answer.returncode == 0 else f"no Docker Engine answers: {answer.stderr.strip()}"


def compose(*arguments: str, **variables: str) -> str:
    """Run `docker compose` on compose.yaml with these variables and no others; what it printed."""
    # Without the caller's own settings: PROXY_PORT and its like mean something to Compose.
    known = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG") if name in os.environ}
    command = ["docker", "compose", "--ansi", "never", "--progress", "plain", "--env-file", os.devnull, *arguments]
    return _run(command, env={**known, **variables}).stdout


def docker(*arguments: str) -> str:
    """Run `docker`; what it printed."""
    return _run(["docker", *arguments]).stdout


class Composed:
    """One stack, its containers and its two front doors."""

    def __init__(self) -> None:
        self.name = f"ollama-proxy-test-{uuid.uuid4().hex[:8]}"
        self.proxy_port, self.frontend_port = _free_port(), _free_port()

    def compose(self, *arguments: str, **variables: str) -> str:
        """Run `docker compose` for this stack, with these variables beside its own."""
        return compose(
            *arguments,
            **variables,
            COMPOSE_PROJECT_NAME=self.name,
            PROXY_PORT=str(self.proxy_port),
            FRONTEND_PORT=str(self.frontend_port),
        )

    def build(self) -> None:
        """Build its images."""
        self.compose("build")

    def up(self, **variables: str) -> None:
        """Start it, and be sure that it is healthy: `--wait` alone is not."""
        self.compose("up", "--detach", "--wait", "--wait-timeout", "120", **variables)
        assert {service: self.health(service) for service in SERVICES} == dict.fromkeys(SERVICES, "healthy")

    def remove(self) -> None:
        """Leave nothing of it: containers, networks, volumes, images."""
        self.compose("down", "--volumes", "--rmi", "all", "--timeout", "5")

    def image(self, service: str) -> str:
        """Give the image's name."""
        return f"{self.name}-{service}"

    def container(self, service: str) -> str:
        """Give the container's id."""
        [identity] = self.compose("ps", "--all", "--quiet", service).split()
        return identity

    def inspect(self, service: str) -> Any:
        """Give all that the engine knows of the container."""
        return json.loads(docker("inspect", self.container(service)))[0]

    def health(self, service: str) -> str:
        """Give the state of the container's health."""
        return str(self.inspect(service)["State"]["Health"]["Status"])

    def run_in(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container."""
        return _run(["docker", "exec", self.container(service), *command], check=False)

    def call(self, method: str, path: str, body: Any = None, *, port: int | None = None, seconds: float = 70) -> Reply:
        """Ask the proxy, at its own port unless another is named."""
        data = None if body is None else json.dumps(body).encode()
        return call(port or self.proxy_port, method, path, data, seconds=seconds)

    def submit(self, text: str) -> str:
        """Hand in a prompt; its id."""
        answer = self.call("POST", "/api/v1/prompt", {"prompt": text})
        assert answer.status == 202, answer.body
        return str(answer.json["id"])

    def status(self, prompt: str) -> Any:
        """Where the prompt stands."""
        answer = self.call("GET", f"/api/v1/prompt/{prompt}/status")
        assert answer.status == 200, answer.body
        return answer.json

    def finished(self, prompt: str, seconds: float = 30) -> Any:
        """Wait until the prompt has ended; where it stands."""
        return until(lambda: (s := self.status(prompt))["outcome"] in FINAL and s, f"the end of {prompt}", seconds)


def _run(
    command: list[str], *, check: bool = True, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
