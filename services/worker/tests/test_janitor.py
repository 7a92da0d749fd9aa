"""The janitor takes care of the queue, whether or not a worker lives."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

import pytest
from promptqueue.errors import PromptNotFound
from promptqueue.prompt import Answered, NewPrompt, Outcome, Status, Terms
from promptqueue.sqlite.file.engine import sqlite3
from support.waiting import stays, until


def test_a_prompt_whose_worker_died_is_back_in_line_within_two_seconds(storage, start, queue):
    prompt = queue.enqueue(NewPrompt(request={"prompt": "hi"}))[0].prompt
    worker = storage.register(slots=1)
    queue.claim(Terms(worker=worker.id))
    janitor = start("-m", "worker.janitor")
    until(lambda: "janitor started" in janitor.output)

    worker.leave()

    until(lambda: queue.get(prompt.id).status is Status.QUEUED, within=2)
    until(lambda: "prompts recovered requeued=1 failed=0 expired=0" in janitor.output, within=2)


def test_a_prompt_that_waited_too_long_expires(start, queue):
    start("-m", "worker.janitor")

    prompt = queue.enqueue(NewPrompt(request={"prompt": "hi"}, expires_in=0.1))[0].prompt

    until(lambda: queue.get(prompt.id).outcome is Outcome.EXPIRED, within=5)


def test_prompts_past_their_retention_are_pruned_to_the_last(storage, start, queue):
    worker = storage.register(slots=1)
    prompts = [enqueued.prompt for enqueued in queue.enqueue(*[NewPrompt(request={"prompt": "hi"})] * 250)]
    with queue.transaction():
        while claim := queue.claim(Terms(worker=worker.id)):
            queue.finish(claim, Answered(record={"response": "hi"}, tokens=1))
    kept = queue.enqueue(NewPrompt(request={"prompt": "hi"}))[0].prompt

    janitor = start("-m", "worker.janitor", RETENTION_DAYS=0)

    until(lambda: "prompts pruned number=250" in janitor.output)
    assert queue.get(kept.id).status is Status.QUEUED
    with pytest.raises(PromptNotFound):
        queue.get(prompts[0].id)


def test_nothing_is_pruned_before_the_clocks_have_agreed_for_a_day_and_all_of_it_after(start, queue):
    queue.cancel(queue.enqueue(NewPrompt(request={"prompt": "hi"}))[0].prompt.id)
    with queue.transaction():
        queue._database.run("UPDATE prompts SET completed_at = completed_at - 31 * 24 * 3600")
    janitor = start("-m", "worker.janitor", RETENTION_DAYS=30)
    until(lambda: queue._database.run("SELECT clock_boot FROM control")[0]["clock_boot"])
    stays(lambda: queue.counts().completed == 1, seconds=1)
    janitor.send(signal.SIGTERM)
    janitor.ends(within=5)

    with queue.transaction():
        queue._database.run("UPDATE control SET clock_since = clock_since - 24 * 3600")
    janitor = start("-m", "worker.janitor", RETENTION_DAYS=30)

    until(lambda: "prompts pruned number=1" in janitor.output)


def test_texts_of_prompts_that_never_ran_go_within_the_hour_and_the_rest_stays(start, queue):
    old, young = (queue.enqueue(NewPrompt(request={"prompt": "hi"}))[0].prompt.id for _ in range(2))
    queue.cancel(old)
    queue.cancel(young)
    queue.agreement()
    with queue.transaction():
        queue._database.run("UPDATE control SET clock_since = clock_since - 3600")
        queue._database.run("UPDATE prompts SET completed_at = completed_at - 51 * 60 WHERE id = :id", id=old)

    janitor = start("-m", "worker.janitor")

    until(lambda: "texts of prompts that never ran erased number=1" in janitor.output)
    assert (queue.request(old), queue.request(young)) == (None, {"prompt": "hi"})
    assert queue.get(old).outcome is Outcome.CANCELLED


def test_much_unused_room_is_given_back_to_the_disk(storage, start, queue, tmp_path):
    database = tmp_path / "data/queue.db"
    for one in queue.enqueue(*[NewPrompt(request={"prompt": "x" * 1_000_000})] * 20):
        queue.delete(one.prompt.id)
    storage.tidy()
    before = database.stat().st_size

    janitor = start("-m", "worker.janitor")

    until(lambda: "room given back bytes=" in janitor.output, within=20)
    until(lambda: database.stat().st_size < 1_000_000)
    assert before > 20_000_000


def test_it_ends_at_once_in_the_middle_of_its_steps(start, queue):
    for one in queue.enqueue(*[NewPrompt(request={"prompt": "x" * 1_000_000})] * 40):
        queue.cancel(one.prompt.id)
    janitor = start("-m", "worker.janitor", RETENTION_DAYS=0)
    until(lambda: queue.counts().completed < 40)

    janitor.send(signal.SIGTERM)

    assert janitor.ends(within=2) == 0


def test_a_log_that_grew_while_somebody_read_is_cut_down(storage, start, queue, tmp_path):
    log = tmp_path / "data/queue.db-wal"
    if storage.describe()["journal_mode"] != "wal":
        pytest.skip("a rollback journal does not grow with the commits that others read past")
    with contextlib.closing(sqlite3.connect(tmp_path / "data/queue.db", isolation_level=None)) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM prompts").fetchone()
        for _ in range(20):
            queue.enqueue(NewPrompt(request={"prompt": "x" * 1_000_000}))
    before = log.stat().st_size

    start("-m", "worker.janitor")

    until(lambda: log.stat().st_size == 0)
    assert before > 16 * 1024 * 1024


def test_a_pruned_text_is_in_no_file(start, queue, tmp_path):
    def is_there():
        for path in (tmp_path / "data").glob("queue.db*"):
            with contextlib.suppress(FileNotFoundError):  # a journal may go meanwhile
                if b"SECRET" in path.read_bytes():
                    return True
        return False

    prompt = queue.enqueue(NewPrompt(request={"prompt": "SECRET"}))[0].prompt
    queue.cancel(prompt.id)
    assert is_there()

    start("-m", "worker.janitor", RETENTION_DAYS=0)

    until(lambda: not is_there())


def test_it_writes_nothing_while_there_is_nothing_to_do(start, queue, onlooker):
    queue.enqueue(NewPrompt(request={"prompt": "hi"}))
    start("-m", "worker.janitor", RETENTION_DAYS=1)
    until(lambda: queue._database.run("SELECT clock_boot FROM control")[0]["clock_boot"])

    version = onlooker()

    stays(lambda: onlooker() == version, seconds=2.5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_when_signalled(start, number):
    janitor = start("-m", "worker.janitor")
    until(lambda: "janitor started" in janitor.output)

    janitor.send(number)

    assert janitor.ends(within=2) == 0


def test_it_survives_a_storage_that_is_away(start, tmp_path, queue):
    data = tmp_path / "data"
    queue.close()
    data.rename(tmp_path / "away")
    Path(data).write_text("no folder")
    janitor = start("-m", "worker.janitor")
    until(lambda: "storage unavailable" in janitor.output)

    data.unlink()
    (tmp_path / "away").rename(data)

    until((data / "wake").is_dir, within=5)
    assert janitor.is_running
    assert janitor.output.count("WARNING worker.janitor storage unavailable") == 1


def test_how_the_line_stands_is_known_from_the_janitor_on(start, queue):
    queue.enqueue(NewPrompt(request={"prompt": "hi"}))

    start("-m", "worker.janitor")

    until(lambda: queue._database.run("SELECT queued FROM minutes")[0:1], within=5)
    assert queue._database.run("SELECT queued FROM minutes")[0]["queued"] == 1
