"""The product in containers, as the unmodified compose.yaml starts it, under a name and on ports of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import Any

from support import ROOT
from support.ports import free_port
from support.product import Product

PACE = Path(__file__).resolve().parent / "compose.pace.yaml"
SERVICES = ("frontend", "ollama", "proxy", "worker")


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


def docker(*arguments: str, said: str | None = None) -> str:
    """Run `docker`, with `said` on its standard input; what it printed."""
    return _run(["docker", *arguments], said=said).stdout


class Composed(Product):
    """One stack and its containers."""

    def __init__(self, override: Path = PACE, *, proxy_port: int | None = None) -> None:
        self.name = f"ollama-proxy-test-{uuid.uuid4().hex[:8]}"
        self._override = override
        self.ports = {"PROXY_PORT": str(proxy_port or free_port()), "FRONTEND_PORT": str(free_port())}
        super().__init__(frontend_port=int(self.ports["FRONTEND_PORT"]), proxy_port=int(self.ports["PROXY_PORT"]))

    def compose(self, *arguments: str, **variables: str) -> str:
        """Run `docker compose` for this stack, with these variables beside its own."""
        files = ("--file", str(ROOT / "compose.yaml"), "--file", str(self._override))
        return compose(*files, *arguments, **variables, **self.ports, COMPOSE_PROJECT_NAME=self.name)

    def build(self) -> None:
        """Build its images."""
        self.compose("build")

    def start(self, **variables: str) -> None:
        # Be sure that it is healthy: `--wait` alone is not.
        self.compose("up", "--detach", "--wait", "--wait-timeout", "120", **variables)
        assert {service: self.health(service) for service in SERVICES} == dict.fromkeys(SERVICES, "healthy")

    def stop(self) -> None:
        self.compose("down")

    def erase(self) -> None:
        self.compose("down", "--volumes", "--timeout", "5")

    def restart(self, part: str) -> None:
        self.compose("restart", part)

    def kill(self, part: str) -> None:
        docker("kill", self.container(part))
        docker("start", self.container(part))  # as Docker does itself after a crash, but not after `docker kill`

    def leave_nothing(self) -> None:
        """Remove containers, networks, volumes and images."""
        self.compose("--profile", "*", "down", "--volumes", "--rmi", "all", "--timeout", "5")

    # ---- looking inside ---------------------------------------------------------------------------------------------

    def image(self, service: str) -> str:
        """Give the image's name."""
        return str(self.inspect(service)["Config"]["Image"])

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

    def log(self, service: str) -> str:
        """Give what the service's containers have said."""
        return self.compose("logs", "--no-log-prefix", service)

    def run_in(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container."""
        return _run(["docker", "exec", self.container(service), *command], check=False)


def _run(
    command: list[str], *, check: bool = True, env: dict[str, str] | None = None, said: str | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=ROOT, env=env, input=said, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done
