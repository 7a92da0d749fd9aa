"""A server answers as many prompts at a time as it has slots, however many workers name it."""

from __future__ import annotations

import shutil
import signal
import socket
import uuid
from itertools import pairwise

import pytest
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import Outcome
from promptqueue.settings import read
from support.waiting import seconds_until, until
from worker.config import Config, ServerUrl
from worker.drain import Drain
from worker.server import slots as module
from worker.server.server import Server
from worker.server.slots import Slots, everywhere


@pytest.fixture(params=["sqlite", "postgres"])
def environ(request, environ):
    """With the queue in either engine: the one keeps slots as locks of files, the other as locks of sessions."""
    if request.param == "sqlite":
        return environ
    server, name = request.getfixturevalue("postgres"), f"queue_{uuid.uuid4().hex}"
    server.make_database(name)
    return environ | {"DATABASE_URL": server.url(name)}


@pytest.fixture
def held(queue):
    """How many slots are held of the only server, as everybody may read it."""
    return lambda: sum(server.slots for server in queue.servers())


@pytest.fixture
def hire(storage, queue, environ):
    """A worker's slots of one server, and the gate that lets prompts in."""
    presences = []

    def hire(slots):
        drain = Drain()
        server = Server(ServerUrl("http://a:11434", slots), read(Config, environ), drain=drain)
        presences.append(storage.register(slots=0))
        return Slots(presences[-1], [server], drain=drain), server.gate, drain

    yield hire
    for presence in presences:
        presence.leave()


def test_two_workers_of_one_server_have_no_more_prompts_answered_at_once_than_it_has_slots(
    spawn, ollama, ask, completed, held
):
    ollama.set(pace=0.01, text="word " * 20, slots=4)
    workers = [spawn(WORKER_CONCURRENCY=1) for _ in range(2)]
    until(lambda: all("model ready" in worker.output for worker in workers))

    for prompt in [ask("Hi") for _ in range(4)]:
        completed(prompt)

    calls = sorted(ollama.calls(), key=lambda call: call["started"])
    assert all(before["ended"] <= after["received"] for before, after in pairwise(calls))
    assert held() == 1


def test_whoever_stands_by_takes_over_within_five_seconds_when_the_holder_dies(spawn, ollama, begun, completed, held):
    ollama.set(pace=0.02, text="word " * 10_000)
    first = spawn()
    prompt = begun()
    stands_by = spawn()
    until(lambda: "model ready" in stands_by.output)
    assert "slots held" not in stands_by.output

    ollama.set(text="word")
    first.send(signal.SIGKILL)

    assert seconds_until(lambda: "slots held" in stands_by.output) < 5
    assert completed(prompt).outcome is Outcome.SUCCEEDED
    assert held() == 1


def test_a_worker_that_is_to_end_leaves_the_slots_that_it_does_not_need_to_others(spawn, ollama, queue, begun, held):
    ollama.set(pace=0.02, text="word " * 10_000, slots=4)
    ends = spawn(WORKER_CONCURRENCY=2)
    begun()
    stands_by = spawn(WORKER_CONCURRENCY=2)
    until(lambda: "model ready" in stands_by.output)

    ends.send(signal.SIGTERM)
    until(lambda: "slots=1 of=2" in stands_by.output, within=5)

    begun()
    assert ends.is_running
    assert queue.workers().slots == 2
    until(lambda: held() == 2, "each tells what it holds")


@pytest.mark.parametrize("environ", ["sqlite"], indirect=True)
def test_a_worker_whose_slot_somebody_else_has_ends_what_it_has_begun_and_begins_nothing(
    spawn, ollama, storage, queue, ask, completed, tmp_path
):
    ollama.set(pace=0.02, text="word " * 100)
    process = spawn()
    prompt, following = ask("Hi"), ask("Ho")
    until(lambda: queue.partial(prompt.id))
    with storage.register(slots=0) as other:
        shutil.rmtree(tmp_path / "data" / "slots")
        assert other.take_slot(everywhere(ollama.url), below=1) == 0
        until(lambda: "slots=0 of=1" in process.output)

        assert completed(prompt).outcome is Outcome.SUCCEEDED

        assert queue.get(following.id).attempt == 0
    assert completed(following).outcome is Outcome.SUCCEEDED


def test_each_takes_what_it_may_have_and_what_is_free(hire):
    modest, its_gate, _ = hire(2)
    greedy, gate, _ = hire(3)

    modest.keep()
    greedy.keep()

    assert (its_gate.admits, gate.admits) == (2, 1)


def test_what_a_storage_that_is_away_refuses_is_taken_in_a_later_turn_and_told_once(hire, monkeypatch, caplog):
    slots, gate, _ = hire(1)
    with monkeypatch.context() as away:
        away.setattr(slots._presence, "take_slot", lambda *_, **__: (_ for _ in ()).throw(StorageUnavailable("full")))
        slots.keep()
        slots.keep()
    assert (gate.admits, caplog.text.count("slots not taken")) == (0, 1)

    slots.keep()

    assert gate.admits == 1


def test_a_worker_that_nobody_can_see_claims_nothing_until_it_has_its_slots_again(hire, monkeypatch):
    slots, gate, _ = hire(1)
    slots.keep()
    with monkeypatch.context() as away:
        away.setattr(slots._presence, "stay", lambda: (_ for _ in ()).throw(StorageUnavailable("away")))
        slots.keep()
        while_away = gate.admits

    slots.keep()

    assert (while_away, gate.admits) == (0, 1)


def test_a_slot_that_got_lost_lets_nothing_more_in(hire):
    slots, gate, _ = hire(1)
    slots.keep()
    slots._presence.give_slot_back("http://a:11434", 0)
    other, its_gate, _ = hire(1)
    other.keep()

    slots.keep()

    assert (gate.admits, its_gate.admits) == (0, 1)


def test_at_the_end_what_is_in_use_is_kept(hire):
    slots, gate, drain = hire(3)
    slots.keep()
    gate.reopen(gate.hold)
    gate.may_claim("a slot", 0)

    drain.begin(20)
    slots.keep()
    in_use = gate.admits
    gate.done("a slot")
    slots.keep()

    assert (in_use, gate.admits) == (1, 0)


@pytest.mark.parametrize(
    ("address", "is_of_this_machine"),
    [
        *((f"http://{host}:11434", True) for host in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0")),
        *((f"http://{host}:11434", True) for host in ("ollama", "host.docker.internal")),
        *((f"http://{host}:11434", False) for host in ("10.0.0.7", "gpu", "ollama.example.com")),
    ],
)
def test_a_server_that_each_machine_has_by_the_same_address_is_another_on_each(
    tmp_path, monkeypatch, address, is_of_this_machine
):
    here = everywhere(address)
    again = everywhere(address)
    (tmp_path / "boot_id").write_text("another")

    monkeypatch.setattr(module, "BOOT", tmp_path / "boot_id")

    assert here == again
    assert (everywhere(address) != here) is is_of_this_machine


def test_an_own_server_is_another_in_a_container_of_the_same_machine_and_their_common_one_is_not(tmp_path, monkeypatch):
    own, common = everywhere("http://127.0.0.1:11434"), everywhere("http://ollama:11434")
    (tmp_path / "net").touch()

    monkeypatch.setattr(module, "NETWORK", tmp_path / "net")

    assert everywhere("http://127.0.0.1:11434") != own
    assert everywhere("http://ollama:11434") == common


def test_a_system_that_does_not_say_when_it_was_started_is_known_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "BOOT", tmp_path / "none")
    monkeypatch.setattr(module, "NETWORK", tmp_path / "none")
    monkeypatch.setattr(socket, "gethostname", lambda: "mac")

    assert everywhere("http://localhost:1") == "http://localhost:1 mac"
