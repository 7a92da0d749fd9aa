"""Rude clients: whatever they send, however slowly, and whenever they leave, everybody else is served."""

from __future__ import annotations

import gzip
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest
from e2e.rude_clients import RudeClient, connections, flooded
from e2e.two_tongued import BODY, PROBES
from simulator.client import Simulator
from support import machine
from support.front_nginx import FrontNginx
from support.machine import unable
from support.processes import PROC
from support.stack import Stack
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.client import Reply
    from support.front_door import FrontDoor

PATIENCE = 8.0  # seconds that a well-behaved client waits on a busy machine; on a quiet one it is milliseconds
PLACES = 40  # for held requests and streams
MANY = 400
IDLE = 10_000

SUBMIT = b"POST /api/v1/prompt HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = SUBMIT + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Doors:
    """nginx, and Gunicorn behind it, which can be reached past it too. No worker: a prompt stays in line."""

    nginx: FrontNginx
    gunicorn: Stack

    def port(self, name: str) -> int:
        return self.nginx.port if name == "nginx" else self.gunicorn.port

    def serve(self, rounds: int = 3) -> None:
        """Hand in a prompt and ask where it stands, at each door and so many times, each within a client's patience."""
        for door in [self.nginx, self.gunicorn] * rounds:
            start = time.monotonic()
            accepted = door.post("/api/v1/prompt", {"prompt": "Am I served?"})
            assert accepted.status == 202, accepted.text
            prompt_id = str(accepted.json["id"])
            assert door.status(prompt_id)["status"] == "queued"
            assert door.delete(f"/api/v1/prompt/{prompt_id}").status == 204
            assert time.monotonic() - start < PATIENCE

    def are_let_go(self) -> bool:
        return connections(self.gunicorn.port) == connections(self.nginx.port) == 0

    def files(self) -> int:
        """Count the files that the proxy's processes have open."""
        return sum(len(list((PROC / str(each.pid) / "fd").iterdir())) for each in self.gunicorn.processes())


@pytest.fixture(scope="module")
def nginx_program() -> str:
    program = machine.nginx()
    if not PROC.is_dir():
        unable("no /proc, where connections are counted")
    return program


@contextmanager
def _opened(folder: Path, nginx_program: str, **variables: str) -> Iterator[Doors]:
    with Simulator() as simulator, ExitStack() as started:
        stack = Stack(folder / "stack", simulator, variables)
        started.callback(stack.stop)
        stack.start_proxy()
        nginx = started.enter_context(FrontNginx(nginx_program, folder / "nginx", f"127.0.0.1:{stack.port}"))
        yield Doors(nginx=nginx, gunicorn=stack)


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory, nginx_program: str) -> Iterator[Doors]:
    """Both doors, open for all tests. At debug Gunicorn logs each request that it has answered."""
    folder = tmp_path_factory.mktemp("doors")
    with _opened(folder, nginx_program, LOG_LEVEL="debug", MAX_STREAMS=str(PLACES)) as doors:
        yield doors


at_each_door = pytest.mark.parametrize("door", ["nginx", "gunicorn"])


def is_error(reply: Reply, *statuses: int) -> bool:
    """Whether it is a refusal in the one shape; fails when it is anything else."""
    assert reply.status in statuses, reply.text
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert set(reply.json["error"]) == {"code", "message", "type", "param"}
    return True


# ---- slow -----------------------------------------------------------------------------------------------------------


@at_each_door
def test_heads_and_bodies_that_never_end_keep_nobody_waiting(doors: Doors, door: str) -> None:
    with ExitStack() as slow:
        clients = [slow.enter_context(RudeClient(doors.port(door))) for _ in range(MANY)]
        for number, client in enumerate(clients):
            client.say(SUBMIT + (b"X-Slow: " if number % 2 else b"Content-Length: 1000\r\n\r\n"))
        for _ in range(3):
            assert sum(client.say(b"a") for client in clients) == MANY
            doors.serve(rounds=1)

    until(doors.are_let_go, "nobody is held on to who has left")


def test_what_arrives_too_slowly_is_given_up(build: Callable[..., Stack]) -> None:
    stack = build(GUNICORN_CMD_ARGS="--keep-alive 1")
    stack.start_proxy()

    with RudeClient(stack.port) as head, RudeClient(stack.port) as body, RudeClient(stack.port) as unwanted:
        head.say(SUBMIT + b"X-Slow: ")
        body.say(SUBMIT + b"Content-Length: 1000\r\n\r\n")
        unwanted.say(b"GET /api/v1/queue HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        answered = unwanted.hear()
        for client in (head, body, unwanted):
            until(partial(_is_cut_off, client), "it is cut off")

    assert answered.status == 200
    until(lambda: connections(stack.port) == 0, "nobody is held on to")


def test_ten_thousand_idle_connections_are_held_and_keep_nobody_waiting(doors: Doors) -> None:
    with _may_open(IDLE + 1_000) as files, ExitStack() as idle:
        number = min(IDLE, files - 1_000)
        clients = [idle.enter_context(RudeClient(doors.nginx.port)) for _ in range(number)]
        doors.serve()

        for client in clients[:: number // 50]:
            client.say(b"GET /api/v1/queue HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.hear().status == 200
    if number < IDLE:
        unable(f"{number} idle connections were opened, all went well, and this machine allows no {IDLE}")


def _is_cut_off(client: RudeClient) -> bool:
    return not client.say(b"a")


@contextmanager
def _may_open(wanted: int) -> Iterator[int]:
    """Let this process open so many files, if it may; how many it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    may = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(may, soft), hard))
    try:
        yield max(may, soft)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# ---- large ----------------------------------------------------------------------------------------------------------


@at_each_door
@pytest.mark.parametrize(
    "headers",
    [b"X: a\r\n" * 150, b"X: " + b"a" * 1_000_000 + b"\r\n", b"X" * 1_000_000 + b": a\r\n", b"X: a\r\n" * 200_000],
    ids=["many", "one huge", "one with a huge name", "very many"],
)
def test_a_head_that_is_too_large_is_refused_in_the_one_shape(doors: Doors, door: str, headers: bytes) -> None:
    with RudeClient(doors.port(door)) as client:
        client.say(SUBMIT + headers + b"\r\n")

        assert is_error(client.hear(), 400, 431)


BOMBS = {
    "a terabyte announced": (b"Content-Length: 1000000000000\r\n", bytes(40_000_000), 413, "too_large"),
    "one byte too many": (None, b" " * 1_048_577, 413, "too_large"),
    "depth": (None, b'{"a":' * 200_000, 400, "invalid_json"),
    "closed depth": (None, b"[" * 500_000 + b"]" * 500_000, 400, "invalid_json"),
    "a number of a million digits": (
        None, b'{"prompt": "Why?", "timeout": ' + b"9" * 1_000_000 + b"}", 400, "invalid_json",
    ),
    "a number beyond all": (None, b'{"prompt": "Why?", "timeout": 1e999999999}', 400, "invalid_request"),
    "many names": (
        None, b"{" + b",".join(b'"%x":0' % number for number in range(90_000)) + b"}", 400, "invalid_request",
    ),
    "a gigabyte, compressed": (
        b"Content-Encoding: gzip\r\n", gzip.compress(bytes(100_000_000), 1), 400, "invalid_request",
    ),
    "a small body, compressed": (b"Content-Encoding: gzip\r\n", gzip.compress(BODY), 400, "invalid_request"),
}  # fmt: skip


@at_each_door
@pytest.mark.parametrize("name", BOMBS)
def test_a_body_that_is_a_bomb_is_refused_in_the_one_shape(doors: Doors, door: str, name: str) -> None:
    headers, body, status, code = BOMBS[name]
    length = b"" if headers and headers.startswith(b"Content-Length") else b"Content-Length: %d\r\n" % len(body)

    with RudeClient(doors.port(door)) as client:
        client.say(SUBMIT + (headers or b"") + length + b"\r\n" + body)
        reply = client.hear()

    assert is_error(reply, status)
    assert reply.json["error"]["code"] == code


FLOODS = {
    "a body of a terabyte": (SUBMIT + b"Content-Length: 1000000000000\r\n\r\n", bytes(262_144)),
    "chunks": (CHUNKED, b"10000\r\n" + bytes(65_536) + b"\r\n"),
    "chunks of a byte": (CHUNKED, b"1\r\na\r\n" * 10_000),
    "a body that nobody wants": (
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\n", bytes(262_144),
    ),
    "requests": (b"", b"GET /api/v1/nothing HTTP/1.1\r\nHost: a\r\n\r\n" * 100),
}  # fmt: skip


@at_each_door
@pytest.mark.parametrize("name", FLOODS)
def test_what_is_sent_without_end_and_pause_keeps_nobody_waiting(doors: Doors, door: str, name: str) -> None:
    with flooded(doors.port(door), *FLOODS[name]):
        doors.serve()

    until(doors.are_let_go, "nobody is held on to who has left")


# ---- two-tongued ----------------------------------------------------------------------------------------------------


@at_each_door
def test_a_request_that_can_be_read_in_two_ways_is_one_request_or_none(doors: Doors, door: str) -> None:
    marks = {name: b"%d%03d" % (1 + (door == "nginx"), number) for number, name in enumerate(PROBES)}

    def ask(name: str) -> list[Reply]:
        with RudeClient(doors.port(door)) as client:
            client.say(PROBES[name].replace(b"MARK", marks[name]))
            return client.hear_all(seconds=2)

    with ThreadPoolExecutor(len(PROBES)) as pool:
        heard = dict(zip(PROBES, pool.map(ask, PROBES), strict=True))
    assert doors.gunicorn.get("/api/v1/queue", **{"User-Agent": f"last-{door}"}).status == 200
    log = until(lambda: log if f'"last-{door}"' in (log := doors.gunicorn.log("proxy")) else None, "all is logged")

    for name, mark in marks.items():
        reached, smuggled = log.count(f"probe-{mark.decode()}"), log.count(f"smuggled-{mark.decode()}")
        statuses = [reply.status for reply in heard[name]]
        assert (reached <= 1, smuggled) == (True, 0), (name, statuses)
        assert len(statuses) <= 1, (name, statuses)
        assert reached or all(is_error(reply, 400, 431, 501) for reply in heard[name]), (name, statuses)
        assert reached or statuses, name
    doors.serve(rounds=1)


# ---- gone -----------------------------------------------------------------------------------------------------------


def test_whoever_leaves_in_the_middle_leaves_nothing_behind(doors: Doors) -> None:
    def come_and_go() -> None:
        prompt_id = doors.gunicorn.submit("Who is there?")
        follow = b"GET /api/v1/prompt/%b/%b HTTP/1.1\r\nHost: localhost\r\n\r\n"
        half_said = [
            SUBMIT + b"Content-Length: 1000\r\n\r\nhalf",
            follow % (prompt_id.encode(), b"events"),
            follow % (prompt_id.encode(), b"status?wait=60"),
        ]
        with ExitStack() as rude:

            def come() -> None:
                for port in (doors.nginx.port, doors.gunicorn.port):
                    for said in half_said:
                        rude.enter_context(RudeClient(port)).say(said)

            def is_full() -> bool:
                """Send more until it is: some who came too early were refused a place that was not free yet."""
                full = _is_full(doors.gunicorn, prompt_id)
                if not full:
                    come()
                return full

            until(is_full, "every place is taken")
            doors.serve(rounds=1)
        doors.gunicorn.cancel(prompt_id)  # news, by which a server notices that nobody is there
        until(doors.are_let_go, "nobody is held on to who has left")

    come_and_go()
    files = doors.files()
    come_and_go()

    assert doors.files() <= files


def _is_full(door: FrontDoor, prompt_id: str) -> bool:
    reply = door.get(f"/api/v1/prompt/{prompt_id}/status?wait=0.01")
    return reply.status == 503 and reply.json["error"]["code"] == "too_many_streams"
