"""The product in containers with compose.postgres.yaml laid over: several proxies and workers, one PostgreSQL."""

from __future__ import annotations

import json

from support import ROOT
from support.composed import PACE, Composed, compose, docker

MANY = {"proxy": 2, "worker": 3}


class Several(Composed):
    """One stack. Both doors are nginx's. A container is named by its service and a number, as in `worker-2`."""

    def compose(self, *arguments: str, **variables: str) -> str:
        files = [
            word for file in ("compose.yaml", "compose.postgres.yaml", PACE) for word in ("--file", str(ROOT / file))
        ]
        return compose(*files, *arguments, **variables, **self.ports, COMPOSE_PROJECT_NAME=self.name)

    def password(self) -> str:
        """Give the password of PostgreSQL that was made."""
        return self.compose("exec", "postgres", "cat", "/run/password/postgres")

    def start(self, **variables: str) -> None:
        scale = [word for service, many in MANY.items() for word in ("--scale", f"{service}={many}")]
        self.compose("up", "--detach", "--wait", "--wait-timeout", "120", *scale, **variables)
        # Be sure that all are healthy: `--wait` alone is not.
        listed = [json.loads(line) for line in self.compose("ps", "--format", "json").splitlines()]
        assert {each["Name"] for each in listed if each["Health"] != "healthy"} == set()
        assert len(listed) == 3 + sum(MANY.values())

    def leave_nothing(self) -> None:
        self.compose("down", "--volumes", "--timeout", "5")
        ours = ("frontend:latest", "proxy:postgres", "worker:postgres", "ollama:runtime")
        docker("image", "rm", *(f"{self.name}-{each}" for each in ours))  # and not PostgreSQL's

    def several(self, service: str) -> list[str]:
        """Give the names of the service's containers."""
        return [f"{service}-{number + 1}" for number in range(MANY[service])]

    def log(self, service: str) -> str:
        """Give what one container, or all of a service, have said."""
        name, _, number = service.partition("-")
        return self.compose("logs", "--no-log-prefix", *([f"--index={number}"] if number else []), name)

    def kill_one(self, container: str) -> None:
        """End a container with SIGKILL. It stays away, as after `docker kill` and not after a crash."""
        docker("kill", f"{self.name}-{container}")

    def bring_back(self, container: str) -> None:
        docker("start", f"{self.name}-{container}")
