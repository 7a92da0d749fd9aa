"""Many event streams held open at the same time, and what others feel of them."""

from __future__ import annotations

import resource
import socket
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bench.clients import SUBMISSION, Connection, request
from bench.figures import Goal
from bench.measurement import PRODUCT, CannotRun, Figure, Measurement, Side, Taken, value
from bench.usage import memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.stack import Stack

    from bench.workbench import Workbench

STREAMS = 2000


def rows() -> list[Measurement]:
    """The one row."""
    return [
        Measurement(
            name="streams",
            what="event streams held open, with other requests' p99",
            sides=_sides,
            repeats=1,
            seconds=14,
            figures=(
                Figure(what="held", values=value("held"), goal=Goal(at_least=STREAMS)),
                Figure(what="other requests p99", values=value("ms", percent=99), goal=Goal(at_most=50), unit="ms"),
                Figure(what="each", values=value("KB"), goal=Goal(at_most=25), unit="KB"),
            ),
            how="Each stream is of a prompt that waits. Meanwhile submit, status and queue are asked in turns, "
            "one at a time. The memory is the proportional set size of the proxy's processes, after less before.",
        )
    ]


@contextmanager
def _sides(bench: Workbench) -> Iterator[list[Side]]:
    streams = bench.few(STREAMS, 200)
    grant(streams)
    with bench.product(worker=False) as product:
        yield [Side(name=PRODUCT, take=lambda: _held(product, streams, bench.few(600, 60)))]


def grant(connections: int) -> None:
    """Let this process have so many connections. Raises CannotRun."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < connections + 100:
        message = f"this system grants {hard} open files, {connections + 100} are needed"
        raise CannotRun(message)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536) if hard > 0 else 65_536, hard))


def _held(product: Stack, streams: int, requests: int) -> Taken:
    with ExitStack() as held, Connection(product.url) as client:
        prompt_id = client.submit()
        others(client, prompt_id, 60)
        before = memory(product.processes())
        path = f"/api/v1/prompt/{prompt_id}/events"
        answered = [_opened(product.port, path, held) for _ in range(streams)]
        refused = [status for status in answered if b" 200 " not in status]
        if len(refused) == streams:
            message = f"this version has no event streams ({refused[0].decode().strip()})"
            raise CannotRun(message)
        taken = others(client, prompt_id, requests)
        more = memory(product.processes()) - before
        number = streams - len(refused)
        return {"held": float(number), "ms": taken, "KB": more / number / 1000}


def _opened(port: int, path: str, held: ExitStack) -> bytes:
    """Open a stream; the first line of the answer. More is not read until the end."""
    stream = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
    stream.sendall(request("GET", path))
    status = b""
    while b"\n" not in status:
        part = stream.recv(4096)
        if not part:
            break
        status += part
    return status.partition(b"\n")[0]


def others(client: Connection, prompt_id: str, number: int, *, apart: float = 0.0) -> list[float]:
    """Submit, look and ask for the queue in turns, `apart` seconds after another; the milliseconds that each took."""
    turns = (
        ("POST", "/api/v1/prompt", SUBMISSION),
        ("GET", f"/api/v1/prompt/{prompt_id}/status", b""),
        ("GET", "/api/v1/queue", b""),
    )
    taken = []
    for each in range(number):
        time.sleep(apart)
        taken.append(1000 * client.timed(*turns[each % len(turns)]))
    return taken
