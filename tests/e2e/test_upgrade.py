"""A new version of the product on what an older one has left, and beside one that still runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from e2e import released
from support import ROOT
from support.composed import docker
from support.front_door import FrontDoor
from support.machine import BUILT_WITHIN
from support.ports import free_port
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from simulator.client import Simulator
    from support.composed import Composed
    from support.stack import Stack

pytestmark = pytest.mark.timeout(BUILT_WITHIN)

FIRST_SCHEMA = ROOT / "services/promptqueue/src/promptqueue/sqlite/migrations/001_prompts.sql"
LEFT_BEHIND = {
    "queued": "11111111-1111-4111-8111-111111111111",
    "processing": "22222222-2222-4222-8222-222222222222",
    "completed": "33333333-3333-4333-8333-333333333333",
}
OF_THE_FIRST_RELEASE = f"""
import sqlite3, sys
queue = sqlite3.connect("/data/queue.db")
queue.executescript(sys.stdin.read())
queue.executescript('''
INSERT INTO prompts (seq, id, priority, status, created_at)
VALUES (1, '{LEFT_BEHIND["queued"]}', 'interactive', 'queued', unixepoch());
INSERT INTO prompts (seq, id, priority, status, created_at, started_at, attempt, max_failures,
                     worker, boot, claimed_at, leased_until, run_until)
VALUES (2, '{LEFT_BEHIND["processing"]}', 'interactive', 'processing', unixepoch(), unixepoch(), 1, 3,
        'gone', 'another', 1, 16, 3601);
INSERT INTO prompts (seq, id, priority, status, created_at, started_at, attempt, outcome, completed_at)
VALUES (3, '{LEFT_BEHIND["completed"]}', 'interactive', 'completed', unixepoch(), unixepoch(), 1,
        'succeeded', unixepoch());
INSERT INTO requests (seq, request)
VALUES (1, '{{"prompt": "Waiting."}}'), (2, '{{"prompt": "Begun."}}'), (3, '{{"prompt": "Done."}}');
INSERT INTO answers (seq, answer) VALUES (3, '{{"response": "An old answer.", "done": true}}');
PRAGMA user_version = 1;
''')
"""
NEXT = "ALTER TABLE prompts ADD COLUMN colour TEXT;\n"


class NextVersion:
    """The product with one more migration: a proxy and a worker beside those that run, on the same volume."""

    def __init__(self, product: Composed, folder: Path) -> None:
        self._product = product
        self._port = free_port()
        self._names = [f"{product.name}-next-{part}" for part in ("proxy", "worker")]
        (folder / "999_next.sql").write_text(NEXT)
        for part, name in zip(("proxy", "worker"), self._names, strict=True):
            (folder / "Dockerfile").write_text(
                f"FROM {product.image(part)}\nUSER 0:0\nCOPY --chmod=644 999_next.sql /tmp/\n"
                "RUN cp /tmp/999_next.sql /venv/lib/python3*/site-packages/promptqueue/sqlite/migrations/\n"
                "USER 10001:10001\n"
            )
            docker("build", "--quiet", "--tag", name, str(folder))
        self.door = FrontDoor(f"http://127.0.0.1:{self._port}")

    def start(self) -> None:
        for name, *options in (
            (
                self._names[0],
                "--network",
                f"{self._product.name}_edge",
                "--publish",
                f"127.0.0.1:{self._port}:8000",
                "--env",
                "PUBLISHED_ADDRESS=127.0.0.1",
            ),
            (
                self._names[1],
                "--network",
                f"{self._product.name}_inference",
                "--env",
                "OLLAMA_URLS=http://ollama:11434",
            ),
        ):
            volume = f"{self._product.name}_queue:/data"
            hardened = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--init")
            docker("run", "--detach", "--name", name, "--volume", volume, *hardened, *options, name)
        until(lambda: self.door.get("/readyz").status == 200, "the next version is ready", 60)

    def remove(self) -> None:
        for name in self._names:
            docker("rm", "--force", name)
            docker("image", "rm", "--force", name)


@pytest.fixture
def next_version(in_containers: Composed, tmp_path: Path) -> Iterator[NextVersion]:
    made = NextVersion(in_containers, tmp_path)
    try:
        yield made
    finally:
        made.remove()
        in_containers.erase()  # its schema is newer than what the other tests run
        in_containers.start()


def test_what_the_first_release_left_is_found_and_answered(in_containers: Composed) -> None:
    in_containers.erase()
    in_containers.compose("create", "proxy")  # makes the volume
    run = ("run", "--rm", "--interactive", "--volume", f"{in_containers.name}_queue:/data", "--network", "none")
    docker(*run, in_containers.image("proxy"), "python", "-c", OF_THE_FIRST_RELEASE, said=FIRST_SCHEMA.read_text())

    in_containers.start()

    assert in_containers.answer(LEFT_BEHIND["completed"]) == "An old answer."
    in_containers.until_ready()
    ended = {was: in_containers.until_status(prompt_id, "completed", 60) for was, prompt_id in LEFT_BEHIND.items()}
    assert {was: (each["outcome"], each["attempt"]) for was, each in ended.items()} == {
        "queued": ("succeeded", 1),
        "processing": ("succeeded", 2),
        "completed": ("succeeded", 1),
    }
    assert json.loads(in_containers.get("/api/v1/queue").text)["queued"] == 0


@pytest.mark.ollama(pace=0.05)
def test_a_worker_of_the_last_release_finishes_what_it_has_in_hand_when_the_database_becomes_the_new_versions(
    build: Callable[..., Stack], simulator: Simulator, tmp_path: Path
) -> None:
    if reason := released.missing():
        pytest.skip(reason)
    tree = released.unpack(tmp_path / "released")
    stack = build()
    old_proxy, old_worker = stack.start_proxy(tree), stack.start_lone_worker(tree)
    in_hand = stack.submit("Begun by the old one.", options={"num_predict": 100})
    waits = stack.submit("Answered by either.")
    until(lambda: stack.status(in_hand)["tokens"], "the old worker answers")

    stack.kill(old_proxy)
    stack.start()

    ended = stack.until_status(in_hand, "completed", 60)
    assert (ended["outcome"], ended["attempt"]) == ("succeeded", 1)
    assert stack.until_status(waits, "completed", 60)["outcome"] == "succeeded"
    assert old_worker.poll() is None
    assert "Traceback" not in stack.log("lone-worker")


def test_old_and_new_containers_work_side_by_side_and_lose_nothing(
    in_containers: Composed, next_version: NextVersion
) -> None:
    in_containers.until_ready()
    in_hand = in_containers.ask("Begun by the old one before the new one came.", tokens=150)
    in_containers.until_status(in_hand, "processing")

    next_version.start()
    doors = (in_containers, next_version.door)
    asked = [doors[number % 2].submit(f"Number {number}", options={"num_predict": 5}) for number in range(40)]
    last = next_version.door.submit("Begun by any of them.", options={"num_predict": 150})
    statuses = [in_containers.until_status(each, "completed", 60) for each in asked]
    in_containers.compose("stop", "proxy", "worker")

    everything = [in_hand, *asked, last]
    ended = [next_version.door.until_status(each, "completed", 60) for each in everything]
    assert {each["outcome"] for each in [*statuses, *ended]} == {"succeeded"}
    assert ended[0]["attempt"] == 1
    assert [next_version.door.result(each).status for each in everything] == [200] * len(everything)
