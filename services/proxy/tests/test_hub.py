"""gevent's hub beside a queue in PostgreSQL: while this process waits for the server, all its other requests go on."""

import json
import subprocess
import sys

import pytest
from support.postgres import postgres_server
from support.waiting import DEADLINE

PROGRAM = """
from gevent import monkey
monkey.patch_all()
import json, sys
import gevent
from promptqueue import connect
from promptqueue.prompt import NewPrompt
from proxy.meter import Meter
from proxy.serving.concurrency import current
from proxy.storage.attendance import Attendance
from proxy.storage.listener import SharedListener
from proxy.storage.reader import Reader
from proxy.storage.writer import Writer

def turns_during(call):
    taken = 0
    def take_turns():
        nonlocal taken
        while True:
            gevent.sleep(0.01)
            taken += 1
    others = gevent.spawn(take_turns)
    gevent.sleep(0)
    call()
    others.kill()
    return taken

def slowly(queue):
    queue._database.run("SELECT pg_sleep(0.5)")

concurrency = current()
storage = connect(sys.argv[1], threads=concurrency.native)
reader, writer = Reader(storage, concurrency), Writer(storage.open, concurrency, Meter())
listener = SharedListener(storage.listen)
reader.read(lambda queue: queue.counts())
writer.do(lambda queue: queue.enqueue(NewPrompt(request={})))
listener.get()
Attendance(storage.attend).id
print(json.dumps({
    "listening": turns_during(lambda: gevent.sleep(0.5)),
    "read": turns_during(lambda: reader.read(slowly)),
    "reads that open sessions": turns_during(
        lambda: gevent.joinall([gevent.spawn(reader.read, slowly) for _ in range(10)], raise_error=True)
    ),
    "write": turns_during(lambda: writer.do(slowly)),
}))
writer.close()
listener.close()
"""


@pytest.fixture(scope="module")
def turns():
    """How often others had their turn within half a second in which something waited for the server."""
    with postgres_server(durable=False) as server:
        server.make_database("queue")
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM, server.url("queue")],
            env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("how", ["listening", "read", "reads that open sessions", "write"])
def test_whoever_waits_for_the_server_lets_all_others_go_on(turns, how):
    assert turns[how] > 10, turns
