"""The secret of a key is nowhere but with whom it was given to, whatever is done with it and however much is logged."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest
from e2e.rude_clients import RudeClient
from promptqueue.owners.key import digest_of
from support import machine
from support.front_nginx import FrontNginx
from support.processes import PROC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from simulator.client import Simulator
    from support.client import Client, Reply
    from support.stack import Stack

ROLES = ("user", "metrics", "admin")
ASKED = '{"prompt": "May I come in?"}'
CALL = '{"model": "llama3.2", "max_tokens": 5, "messages": [{"role": "user", "content": "May I come in?"}]}'
COMMANDS = (
    "status",
    "list",
    "keys list",
    "owners",
    "audit",
    "keys limit user --waiting 9",
    "keys list --json",
    "audit --json",
)


def rightly(client: Client, secret: str) -> Iterator[Reply]:
    """Use a key as it is meant to be used, wherever it can be."""
    key = {"Authorization": f"Bearer {secret}"}
    accepted = client.post("/api/v1/prompt", ASKED, **key)
    yield accepted
    if accepted.status == 202:
        for what in ("status", "result?wait=10", "events"):
            yield client.get(f"/api/v1/prompt/{accepted.json['id']}/{what}", **key)
        yield client.post(f"/api/v1/prompt/{accepted.json['id']}/ticket", **key)
    for path in ("/api/v1/queue", "/api/v1/prompts", "/api/v1/usage", "/healthz", "/readyz", "/metrics", "/api/tags"):
        yield client.get(path, **key)
    yield client.post("/api/generate", ASKED, **key)
    yield client.post("/v1/chat/completions", CALL, **key)
    yield client.post("/v1/messages", CALL, x_api_key=secret)


def wrongly(client: Client, secret: str) -> Iterator[Reply]:
    """Show a key where none is looked for, twice, and among things that are refused."""
    key = {"Authorization": f"Bearer {secret}"}
    for name in ("key", "api_key", "access_token", "ticket"):
        yield client.get(f"/api/v1/queue?{name}={secret}")
        yield client.get(f"/api/v1/prompt/7d444840-9dc0-11d1-b245-5ffdce74fad2/events?{name}={secret}")
    yield client.get("/api/v1/queue", Cookie=f"key={secret}")
    yield client.get("/api/v1/queue", Authorization=secret)
    yield client.get("/api/v1/queue", Authorization=f"Bearer {secret}, Bearer {secret}")
    yield client.get("/api/v1/queue", X_Api_Key=secret)
    yield client.post("/v1/messages", CALL, x_api_key=secret, Authorization=f"Bearer {secret}x")
    yield client.get("/api/v1/nowhere", **key)
    yield client.delete("/api/v1/prompt")
    yield client.get("/api/v1/queue", Host="evil.test", **key)
    yield client.post("/api/v1/prompt", f'{{"prompt": "x", "api_key": "{secret}"}}', **key)
    yield client.post("/api/v1/prompt", f'{{"api_key": "{secret}', **key)


def rudely(port: int, secret: str) -> Iterator[Reply]:
    """Send a key in what is no request."""
    for line in (f"Authorization Bearer {secret}", f"Authorization : Bearer {secret}", f"{secret}: a", f" {secret}"):
        with RudeClient(port) as client:
            client.say(f"GET /api/v1/queue HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n".encode())
            yield client.hear()
    with RudeClient(port) as client:
        client.say(f"{secret} / HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        yield client.hear()


@pytest.mark.ollama(text="short")
def test_no_log_no_answer_no_copy_and_no_list_of_processes_holds_the_secret_of_a_key(
    build: Callable[..., Stack], simulator: Simulator
) -> None:
    program = machine.nginx()
    stack = build(LOG_LEVEL="debug", PROXY_PROCESSES="2")
    stack.start_worker()
    proxy = stack.start_proxy()
    secrets = {role: stack.operate("keys", "add", role, "--role", role).stdout.strip() for role in ROLES}
    said: list[str] = []
    statuses: set[int] = set()

    def use(door: Stack | FrontNginx) -> None:
        for secret in secrets.values():
            for reply in (*rightly(door, secret), *wrongly(door, secret), *rudely(door.port, secret)):
                statuses.add(reply.status)
                said.append(f"{reply.headers}\n{reply.body.decode(errors='replace')}")

    def operate(*commands: str) -> None:
        for command in commands:
            done = stack.operate(*command.split())
            said.append(done.stdout + done.stderr)

    with FrontNginx(program, stack.folder / "nginx", f"127.0.0.1:{stack.port}") as nginx:
        use(stack)
        use(nginx)
        said.extend(listed(stack))
        operate(*COMMANDS, f"backup {stack.folder}/queue.backup", f"keys revoke {secrets['user'][4:12]}")
        use(stack)
        stack.kill(proxy)
        stack.start_proxy()
        use(nginx)
        said.extend(listed(stack))

    kept = {path: path.read_bytes() for path in sorted(stack.folder.rglob("*")) if stat.S_ISREG(path.stat().st_mode)}
    for secret in secrets.values():
        _, name, hidden = secret.split("_", 2)
        assert name in "".join(said)  # it would be found
        assert digest_of(secret).encode() in kept[stack.folder / "queue.backup"]
        assert [each for each in said if hidden in each or digest_of(secret) in each] == []
        assert [path for path, content in kept.items() if hidden.encode() in content] == []
        assert [path for path in kept if path.suffix == ".log" and digest_of(secret).encode() in kept[path]] == []
    assert {200, 202, 401, 403, 404, 421} <= statuses


def listed(stack: Stack) -> Iterator[str]:
    """What the list of processes says of all that runs: how it was started, and in which environment."""
    for process in stack.processes():
        yield process.arguments
        environment: Path = PROC / str(process.pid) / "environ"
        if environment.exists():
            yield environment.read_bytes().decode(errors="replace")
