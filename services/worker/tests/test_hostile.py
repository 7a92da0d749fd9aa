"""Through whatever a server does, a real worker stays small and alive, and what it stores can be told as JSON."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from pathlib import Path

import pydantic_core
import pytest
from promptqueue.condition import ModelState
from promptqueue.prompt import Outcome
from simulator.hostile import BANNER, SECRET
from simulator.repertoire import ODD, STRANGE
from support.waiting import stays, until

LARGEST = 150  # MB of a worker's memory through all of it
MEGABYTE = 1024  # kB
STANDS = 15  # seconds that no loop of the worker may take for a turn
OF_QUESTIONS = (
    "a stranger's text with 500",
    "no HTTP",
    "a compressed body that becomes 300 MB",
    "a line without an end",
    "a line of three million lists",
    "a head without an end",
    "a byte each half second",
)


class Watched:
    """The largest size that a process was seen to have, and the age of its oldest heartbeat."""

    def __init__(self, pid: int, heartbeat: Path) -> None:
        self._rollup, self._heartbeat = Path(f"/proc/{pid}/smaps_rollup"), heartbeat
        self._over = threading.Event()
        self.largest, self.oldest = 0, 0.0

    def __enter__(self):
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def size(self) -> int:
        lines = self._rollup.read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) // MEGABYTE

    def _watch(self):
        while not self._over.wait(0.02):
            self.largest = max(self.largest, self.size())
            if self._heartbeat.exists():
                self.oldest = max(self.oldest, time.time() - self._heartbeat.stat().st_mtime)


HASTY = """
import dataclasses, os
from promptqueue.logs import to_stdout
from promptqueue.settings import read
from worker import memory
from worker.config import Config
from worker.main import Worker
from worker.server import gate, prober
from worker.signals import Signals

gate.ASK_EVERY, prober.ASK_IDLE_EVERY, prober.ASK_BUSY_EVERY = 0.2, 1.0, 1.0
memory.give_back()
to_stdout("info")
config = dataclasses.replace(read(Config, os.environ), first_byte_timeout=1.5, idle_timeout=1.5, probe_timeout=0.7)
Worker(config, Signals()).run()
"""


@pytest.fixture
def hasty(start, ollama):
    """A worker with shorter deadlines than anybody may set, for servers that never come to an end."""
    return start("-c", HASTY, OLLAMA_URLS=ollama.url)


def told(queue, prompt) -> str:
    """All that anybody can be told of a prompt."""
    prompt = queue.get(prompt.id)
    return repr((prompt.error, prompt.last_error, queue.answer(prompt.id), queue.partial(prompt.id)))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's share of memory")
def test_no_server_makes_a_worker_large_or_keeps_it_from_turning(hasty, ollama, queue, ask, environ, completed):
    ollama.set(text="one two three")
    completed(ask("Hi"))
    with Watched(hasty.pid, Path(environ["HEARTBEAT_PATH"])) as watched:
        before, sizes = watched.size(), {}
        for name, fault in (STRANGE | ODD).items():
            watched.largest = 0
            ollama.fault(**{"text": "word " * 1000, **fault} if fault["kind"] == "endless_tokens" else fault)
            prompt = completed(ask("Hi"), within=90)
            sizes[name] = watched.largest
            assert SECRET.split()[0] not in told(queue, prompt)
            assert prompt.outcome is Outcome.SUCCEEDED or name in ("a line without an end", "tokens without an end")
        for name in OF_QUESTIONS:
            watched.largest, asked = 0, ollama.others("/api/version")
            ollama.fault(**{**STRANGE[name], "path": "*", "times": None})
            until(lambda: queue.model().state is not ModelState.READY, within=60, what=f"the word of {name}")
            until(lambda asked=asked: ollama.others("/api/version") > asked + 2, within=60, what=name)
            said = queue.model().detail
            assert said
            assert len(said) <= 300
            assert SECRET.split()[0] not in said
            ollama.clear_faults()
            sizes[f"{name}, asked how it is"] = watched.largest
        until(lambda: queue.model().state is ModelState.READY, within=30, what="the end of all this")
        until(lambda: watched.size() <= before + LARGEST // 3, within=30, what=f"its size of {before} MB again")

    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}
    assert watched.oldest < STANDS
    assert "Traceback" not in hasty.output
    assert SECRET.split()[0] not in hasty.output
    assert BANNER.split()[-1] not in hasty.output


@pytest.mark.parametrize("name", ODD)
def test_an_answer_is_kept_and_only_what_json_cannot_hold_is_not(worker, ollama, queue, ask, completed, name):
    ollama.set(text="one two three")
    ollama.fault(**ODD[name])
    worker()

    ended = completed(ask("Hi"))
    answer = queue.answer(ended.id)

    assert (ended.outcome, ended.attempt, answer["response"]) == (Outcome.SUCCEEDED, 1, "one two three")
    assert json.loads(pydantic_core.to_json(answer)) == answer
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert not answer.keys() & {"id", "status", "outcome"}
    assert 3 <= ended.tokens <= 4


@pytest.mark.parametrize("name", ["a line without an end", "tokens without an end"])
def test_what_has_no_end_fails_at_once_with_what_came(worker, ollama, queue, ask, completed, name):
    ollama.fault(**{**STRANGE[name], "text": "word " * 1000, "times": None})
    worker()

    ended = completed(ask("Hi"), within=120)

    assert (ended.outcome, ended.attempt, len(ollama.calls())) == (Outcome.FAILED, 1, 1)
    assert "10 MB" in ended.error.message
    came = len(queue.partial(ended.id) or "")
    assert came == 0 if name == "a line without an end" else 10_000_000 < came <= 10 << 20


@pytest.mark.parametrize("status", [301, 307])
@pytest.mark.usefixtures("hurried")
def test_where_a_redirect_leads_nothing_is_ever_heard(ollama, queue, ask, completed, status, worker):
    heard = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        threading.Thread(target=hear, args=(listening, heard), daemon=True).start()
        ollama.fault("redirect", status=status, text=f"{url}/api/version", path="*", times=None)
        prompt = ask("private")
        worker(PROBE_TIMEOUT=1)
        until(lambda: queue.model() and url in (queue.model().detail or ""), within=20)
        assert "put that address into OLLAMA_URLS" in queue.model().detail
        ollama.clear_faults()
        for path in ("/api/tags", "/api/generate", "/api/ps", "/api/show"):
            ollama.fault("redirect", status=status, text=f"{url}{path}", path=path)
        assert completed(prompt).outcome is Outcome.SUCCEEDED
        listening.shutdown(socket.SHUT_RDWR)

    assert heard == []


@pytest.mark.parametrize("fault", ["drip", "continues", "bomb", "endless_line"])
def test_a_download_that_is_none_ends_and_the_worker_turns_meanwhile(spawn, ollama, queue, environ, fault, model_is):
    heartbeat = Path(environ["HEARTBEAT_PATH"])
    ollama.set(models=[])
    ollama.fault(fault, path="/api/pull", times=None)
    process = spawn(PROBE_TIMEOUT=1)
    until(lambda: ollama.others("/api/pull"), within=20)

    stays(lambda: not heartbeat.exists() or time.time() - heartbeat.stat().st_mtime < STANDS, seconds=1)
    ollama.clear_faults()
    if fault in ("drip", "continues"):
        process.send(15)  # these are given a minute, as a download that stands still
        assert process.ends(within=30) == 0
    else:
        model_is(ModelState.READY, within=30)


def hear(listening, heard):
    try:
        while True:
            connection, address = listening.accept()
            heard.append(address)
            connection.close()
    except OSError:
        pass  # the test is over
