"""A proxy that is watched, as it is served: by several processes, by each kind of server, and not at all."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from proxy.metrics import folder
from support.front_door import FrontDoor
from support.ports import free_port

PROMPT = "/api/v1/prompt"


@pytest.fixture
def serve_watched(serve, read):
    """Start a server that is watched, and what reads it."""

    def serve_watched(kind="gevent", **variables):
        port = free_port()
        server = serve(kind, METRICS_PORT=port, **variables)
        door = FrontDoor(f"http://127.0.0.1:{port}")

        def scrape():
            answer = door.get("/metrics")
            assert answer.status == 200, answer.body
            return read(answer.body.decode())

        server.scrape = scrape
        return server

    return serve_watched


def asked(scraped):
    return scraped("http_requests_total", method="POST", endpoint=PROMPT, status="2xx")


@pytest.mark.parametrize("kind", ["gevent", "threads"])
def test_either_server_opens_a_door_of_its_own_for_prometheus(serve_watched, kind):
    server = serve_watched(kind)
    server.submit()

    read = server.scrape()

    assert asked(read) == 1
    assert read("prompts_waiting", lane="interactive") == 1
    assert server.stop() < 10
    assert server.traceback == ""


def test_whichever_process_is_asked_tells_what_all_of_them_have_done(serve_watched, until):
    server = serve_watched(PROXY_PROCESSES=3, MAX_STREAMS=100)
    until(lambda: server.scrape()("http_held_limit") == 300, "all processes are there")
    streams = [server.unread(f"{PROMPT}/{server.submit()}/events") for _ in range(12)]

    until(lambda: server.scrape().all("http_held", "kind")["stream"] == 12, "all streams are held")
    told = {asked(server.scrape()) for _ in range(12)}

    assert told == {12}
    for stream in streams:
        stream.close()
    until(lambda: server.scrape().all("http_held", "kind")["stream"] == 0, "no stream is held")


def test_of_a_process_that_died_what_it_did_is_kept_and_what_it_held_is_not(serve_watched, until):
    server = serve_watched(PROXY_PROCESSES=2, MAX_STREAMS=100)
    until(lambda: server.scrape()("http_held_limit") == 200, "both processes are there")
    streams = [server.unread(f"{PROMPT}/{server.submit()}/events") for _ in range(8)]
    until(lambda: server.scrape().all("http_held", "kind")["stream"] == 8, "all streams are held")

    for pid in server.workers:
        os.kill(pid, signal.SIGKILL)

    def settled():
        read = server.scrape()
        return read("http_held_limit") == 200 and read.all("http_held", "kind")["stream"] == 0

    until(lambda: server.get("/healthz").status == 200 and settled(), "others are in their place")
    assert asked(server.scrape()) == 8
    assert len(streams) == 8


def test_what_is_no_request_at_all_is_counted_as_refused(serve_watched):
    server = serve_watched()

    assert server.raw(b"no request\r\n\r\n").status == 400

    assert server.scrape().all("http_refusals_total", "code") == {"invalid_request": 1}


def test_nothing_is_left_of_what_was_counted_when_the_proxy_ends(serve_watched):
    server = serve_watched()
    maps = Path(f"/proc/{server.workers[0]}/maps").read_text()
    [here] = {Path(line.split()[-1]).parent for line in maps.splitlines() if "ollama-proxy-metrics" in line}
    assert stat.S_IMODE(here.stat().st_mode) == 0o700

    server.stop()

    assert not here.exists()


def test_what_an_earlier_proxy_left_is_not_counted_again(tmp_path):
    left = folder.make(str(tmp_path), 9000)
    (left / "counter_1.db").write_bytes(b"left")

    assert folder.make(str(tmp_path), 9000) == left
    assert list(left.iterdir()) == []


def test_a_folder_that_somebody_else_made_is_not_used(tmp_path):
    (tmp_path / f"ollama-proxy-metrics-{os.getuid()}-9000").symlink_to("/")

    with pytest.raises(PermissionError, match="Remove it, or choose another METRICS_PORT"):
        folder.make(str(tmp_path), 9000)


def test_where_nobody_watches_the_library_is_not_even_imported(tmp_path):
    program = """
import sys
from proxy.app import create_app, parts
from proxy.config import Config
from proxy.serving.concurrency import Concurrency

app = create_app(Config(database_url=sys.argv[1]), Concurrency())
print(app.test_client().get("/healthz").status_code, any(name.startswith("prometheus") for name in sys.modules))
parts(app).close()
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    said = subprocess.run(
        [sys.executable, "-c", program, f"sqlite:///{tmp_path}/queue.db"],
        env=environ,
        check=True,
        capture_output=True,
        text=True,
    )

    assert said.stdout.split() == ["200", "False"]


@pytest.mark.parametrize("kind", ["gevent", "threads"])
def test_one_port_cannot_be_both_doors(serve, kind):
    port = free_port()

    server = serve(kind, starts=False, port=port, METRICS_PORT=port)

    assert server.process.wait(20) != 0
    assert f"METRICS_PORT must be another port than PROXY_PORT, got {port} for both." in server.log
    assert server.traceback == ""
