"""prune and erase_unrun in steps: each keeps others waiting for a moment only, and leaves no long journal."""

import statistics
import time

import pytest
from promptqueue.machine.clock import Clock
from promptqueue.prompt import Idempotency, NewPrompt
from promptqueue.sqlite.host.turnstile import Turnstile
from promptqueue.sqlite.verbs import rows

erase = rows.erase

DAY = 24 * 3600.0
LONGEST_LOCK = 0.05  # seconds
MEGABYTE = 1_000_000


@pytest.fixture
def tmp_path(tmp_path_factory):
    """A folder on a disk: how long others wait is measured."""
    return tmp_path_factory.mktemp("queue")


@pytest.fixture
def cancel(queue, clock):
    """Cancel a number of prompts, a moment ago."""

    def cancel_some(number, text="hello"):
        with queue.transaction():
            for one in queue.enqueue(*(NewPrompt(request={"prompt": text}) for _ in range(number))):
                queue.cancel(one.prompt.id)
        clock.advance(1)

    return cancel_some


@pytest.mark.parametrize(("seconds", "erased"), [(0.004, [2, 2, 1, 0]), (60, [1, 1, 1, 1])])
def test_a_step_ends_when_its_time_is_over_but_erases_one_however_long_it_takes(
    queue, cancel, clock, monkeypatch, seconds, erased
):
    cancel(5)
    monkeypatch.setattr(rows, "erase", lambda *erased: (clock.advance(seconds), erase(*erased)))

    assert [queue.prune(older_than=0) for _ in range(4)] == erased


def test_a_step_that_erases_texts_ends_when_its_time_is_over(queue, cancel, monkeypatch):
    cancel(3)
    monkeypatch.setattr("promptqueue.sqlite.verbs.retention.STEP_SECONDS", 0)

    assert [queue.erase_unrun(older_than=0) for _ in range(4)] == [1, 1, 1, 0]


def test_long_texts_keep_nobody_waiting_for_long(open_queue, monkeypatch):
    queue, held = open_queue(clock=Clock()), []
    texts = [NewPrompt(request={"prompt": "x" * MEGABYTE}) for _ in range(20)]
    for one in queue.enqueue(*texts):
        queue.cancel(one.prompt.id)
    enter, leave = Turnstile.enter, Turnstile.leave

    def timed_enter(turnstile, timeout):
        enter(turnstile, timeout)
        held.append(-time.monotonic())

    def timed_leave(turnstile):
        held[-1] += time.monotonic()
        leave(turnstile)

    monkeypatch.setattr(Turnstile, "enter", timed_enter)
    monkeypatch.setattr(Turnstile, "leave", timed_leave)
    while queue.prune(older_than=-1):
        pass

    assert queue.counts().completed == 0
    assert statistics.median(held) <= LONGEST_LOCK  # a disk that others use as well can be slow now and then


def test_the_logs_pages_are_moved_when_nobody_waits_for_it(queue, cancel, journal, tmp_path, monkeypatch):
    if journal != "wal":
        pytest.skip("a rollback journal is done with when the commit is")
    cancel(12, "x" * MEGABYTE)
    queue._database.journal.empty()
    database, leave = tmp_path / "queue.db", Turnstile.leave
    written = [database.stat().st_mtime_ns]

    def look_and_leave(turnstile):
        written.append(database.stat().st_mtime_ns)
        leave(turnstile)

    monkeypatch.setattr(Turnstile, "leave", look_and_leave)
    queue.prune(older_than=0)

    assert len(set(written)) == 1
    assert database.stat().st_mtime_ns > written[0]


def test_pruning_leaves_no_long_log(queue, cancel, tmp_path):
    cancel(24, "x" * MEGABYTE)
    queue._database.journal.empty()

    while queue.prune(older_than=0, limit=2):
        pass

    assert queue.counts().completed == 0
    assert sum(path.stat().st_size for path in tmp_path.glob("queue.db-*")) < 10 * MEGABYTE


def test_keys_go_after_a_day_and_more_at_once_than_prompts(queue, clock):
    def known():
        return queue._database.run("SELECT count(*) FROM idempotency_keys")[0][0]

    queue.enqueue(*(NewPrompt(request={}, idempotency=Idempotency(key=f"{n}", fingerprint="f")) for n in range(1_500)))
    clock.advance(1)
    queue.enqueue(NewPrompt(request={}, idempotency=Idempotency(key="young", fingerprint="f")))
    clock.advance(DAY)
    left = []

    for _ in range(3):
        queue.prune(older_than=10 * DAY)
        left.append(known())

    assert left == [501, 1, 1]
