"""The process as a whole: its heart beats while every loop turns, and it waits for its storage."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import Outcome
from promptqueue.settings import read
from promptqueue.sqlite.storage import SQLiteStorage
from support.waiting import until
from worker import health
from worker.answering.slot import Slot
from worker.config import Config, ServerUrl
from worker.loop import HANGS_AFTER
from worker.main import Worker
from worker.server.prober import Prober
from worker.server.server import Server


@pytest.fixture(autouse=True)
def heartbeat(environ, monkeypatch) -> Path:
    """Where the heartbeat is written, by this process too."""
    monkeypatch.setenv("HEARTBEAT_PATH", environ["HEARTBEAT_PATH"])
    return Path(environ["HEARTBEAT_PATH"])


@pytest.fixture
def idle(environ, queue, signals):
    """A worker whose loops were made and not started, and a loop of each kind."""
    worker = Worker(read(Config, environ), signals)
    stands_by = {"slots": set, "take_slot": lambda *_, **__: None}
    worker._presence, worker._queue = SimpleNamespace(id="w", stay=lambda: None, **stands_by), queue
    worker._make_loops([Server(ServerUrl("http://127.0.0.1:9"), worker._config, drain=worker._drain)], listener=None)
    return worker, {loop.name.partition("-")[0]: loop for loop in [*worker._slots, *worker._others]}


def test_the_heart_beats_while_idle_and_in_a_call(worker, ollama, ask, heartbeat):
    ollama.fault("hang_before_first_token")
    worker()
    ask("Hi")
    until(ollama.asked)
    before = heartbeat.stat().st_mtime_ns

    until(lambda: heartbeat.stat().st_mtime_ns > before, within=5, what="another heartbeat")

    assert health.ailment(str(heartbeat)) is None


@pytest.mark.parametrize("hangs", ["slot", "watcher", "prober"])
def test_the_heart_stops_when_a_loop_hangs(idle, heartbeat, hangs):
    worker, loops = idle
    loops[hangs].turned_at = time.monotonic() - HANGS_AFTER - 1

    worker._turn()

    assert not heartbeat.exists()


@pytest.mark.parametrize(("of_others", "most"), [([], None), ([1], 1), ([2, 2], 4)])
def test_one_slot_of_all_workers_is_left_to_other_owners(idle, storage, of_others, most):
    """A worker that was the only one has nothing to leave."""
    worker, loops = idle
    presences = [storage.register(slots=slots) for slots in [1, *of_others]]

    worker._turn()

    assert loops["slot"].terms.most_running == most
    for presence in presences:
        presence.leave()


def test_a_slot_in_a_long_call_is_judged_by_its_watcher(idle, heartbeat):
    worker, loops = idle
    loops["slot"].turned_at, loops["watcher"].turned_at = None, time.monotonic()

    worker._turn()

    assert heartbeat.exists()


@pytest.mark.parametrize("loop", [Slot, Prober])
def test_a_worker_that_loses_a_thread_ends_for_a_new_one_to_start(environ, monkeypatch, signals, loop):
    monkeypatch.setattr(loop, "run", lambda _: None)

    worker = Worker(read(Config, environ | {"OLLAMA_URLS": "http://127.0.0.1:9"}), signals)
    worker.run()

    assert worker.exit_code == 1
    until(lambda: not any(each.is_alive for each in [*worker._slots, *worker._others]))


@pytest.mark.parametrize("step", ["listen", "register"])
def test_a_start_that_the_storage_refuses_is_tried_again_and_leaves_nothing_open(environ, monkeypatch, signals, step):
    real, files = getattr(SQLiteStorage, step), []

    def refuse_twice(*arguments, **named):
        files.append(len(list(Path("/dev/fd").iterdir())))
        if len(files) <= 2:
            raise StorageUnavailable("The disk is full.")
        return real(*arguments, **named)

    monkeypatch.setattr(SQLiteStorage, step, refuse_twice)
    monkeypatch.setattr(Slot, "run", lambda _: None)

    worker = Worker(read(Config, environ | {"OLLAMA_URLS": "http://127.0.0.1:9"}), signals)
    worker.run()

    assert (worker.exit_code, len(files)) == (1, 3)
    assert files[2] == files[1]


def test_a_worker_whose_storage_is_away_at_the_start_waits_for_it(spawn, ask, completed, tmp_path):
    prompt = ask("Hi")
    data = tmp_path / "data"
    data.rename(tmp_path / "away")
    data.write_text("no folder")
    process = spawn()
    until(lambda: "storage unavailable" in process.output)

    data.unlink()
    (tmp_path / "away").rename(data)

    assert completed(prompt).outcome is Outcome.SUCCEEDED
    assert process.output.count("storage unavailable") == 1
