"""A worker that hangs is noticed, and a container that lost a program ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.waiting import until
from worker import health

SUPERVISORD_CONF = Path(__file__).parent.parent / "supervisord.conf"


@pytest.fixture
def supervise(start, tmp_path):
    """Start supervisord with the product's own configuration, some of its lines changed."""
    started = []

    def supervise(*changes: tuple[str, str], **variables: object):
        text = SUPERVISORD_CONF.read_text()
        for line, instead in ((r"pidfile=.*", f"pidfile={tmp_path}/pid"), *changes):
            text, found = re.subn(f"(?m)^{line}$", instead, text)
            assert found
        conf = tmp_path / "supervisord.conf"
        conf.write_text(text)
        started.append(start("-m", "worker.supervision", "-c", str(conf), TMPDIR=tmp_path, **variables))
        return started[-1]

    yield supervise
    for supervisord in started:
        if supervisord.is_running:  # killed outright, it would leave its programs behind
            supervisord.send(signal.SIGTERM)
            supervisord.ends(within=15)


def check(environ):
    command = [sys.executable, "-m", "worker.health"]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=20, check=False)


def test_the_health_check_passes_on_a_fresh_heartbeat(environ):
    health.beat(environ["HEARTBEAT_PATH"])

    assert check(environ).returncode == 0


def test_the_health_check_fails_in_words_on_a_stale_heartbeat(environ):
    health.beat(environ["HEARTBEAT_PATH"])
    os.utime(environ["HEARTBEAT_PATH"], (time.time() - 31, time.time() - 31))

    checked = check(environ)

    assert checked.returncode == 1
    assert "31 seconds ago" in checked.stderr


def test_a_clock_that_was_set_back_does_not_make_a_stale_heartbeat_fresh(environ):
    health.beat(environ["HEARTBEAT_PATH"])
    os.utime(environ["HEARTBEAT_PATH"], (time.time() + 3600, time.time() + 3600))

    assert check(environ).returncode == 1


def test_the_health_check_fails_in_words_without_a_heartbeat(environ):
    checked = check(environ)

    assert checked.returncode == 1
    assert environ["HEARTBEAT_PATH"] in checked.stderr


def test_the_heartbeat_is_in_the_temporary_folder_unless_a_path_is_set(environ):
    ask = [sys.executable, "-c", "from worker.health import heartbeat_path; print(heartbeat_path())"]
    del environ["HEARTBEAT_PATH"]

    told = [
        subprocess.run(ask, env=environ | extra, capture_output=True, text=True, timeout=20, check=True).stdout.strip()
        for extra in ({"TMPDIR": "/elsewhere"}, {"TMPDIR": ""}, {"HEARTBEAT_PATH": "/told"})
    ]

    assert told == ["/elsewhere/ollama-proxy-worker.heartbeat", "/tmp/ollama-proxy-worker.heartbeat", "/told"]


def test_a_program_that_is_given_up_ends_supervisord_and_all_its_programs(supervise):
    supervisord = supervise(
        (r"command=python -m worker", 'command=python -c "raise SystemExit(1)"'), (r"startretries=3", "startretries=0")
    )

    supervisord.ends(within=15)

    assert "program given up" in supervisord.output
    assert "janitor ended" in supervisord.output


ADOPTS = """
import ctypes, os, sys
PR_SET_CHILD_SUBREAPER = 36
if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
    sys.exit("cannot adopt")
(heard, event), (answer, said) = os.pipe(), os.pipe()
if not (supervisord := os.fork()):
    if not os.fork():
        os.dup2(heard, 0), os.dup2(said, 1)
        os.closerange(3, 64)
        os.execv(sys.executable, [sys.executable, "-m", "worker.health", "end-when-fatal"])
    os.read(answer, 6)  # READY
    os._exit(0)
os.close(heard), os.close(said)
os.waitpid(supervisord, 0)
os.write(event, b"eventname:PROCESS_STATE_FATAL len:4\\ndead")
os.close(event)
while os.read(answer, 64):
    pass
print("was spared")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt what a test leaves behind")
def test_a_listener_whose_supervisord_is_gone_ends_nobody_in_its_place(start):
    adopter = start("-c", ADOPTS)

    assert adopter.ends(within=15) == 0, adopter.output
    assert "was spared" in adopter.output


def test_supervisord_runs_worker_and_janitor_and_ends_them_in_good_order(supervise, environ):
    supervisord = supervise(OLLAMA_URLS="http://127.0.0.1:9")
    until(lambda: Path(environ["HEARTBEAT_PATH"]).exists(), within=10, what="a heartbeat")
    until(lambda: "janitor started" in supervisord.output)

    supervisord.send(signal.SIGTERM)

    assert supervisord.ends(within=15) == 0
    assert "worker ended" in supervisord.output
    assert "janitor ended" in supervisord.output
    assert "Traceback" not in supervisord.output


def test_supervisord_gives_the_drain_its_time():
    text = SUPERVISORD_CONF.read_text()

    assert {int(seconds) for seconds in re.findall(r"stopwaitsecs=(\d+)", text)} == {25}
    assert "stopasgroup" not in text
