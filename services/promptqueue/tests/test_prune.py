import statistics
import time

import pytest
from promptqueue.errors import PromptDeleted, PromptNotFound
from promptqueue.prompt import Answered, Idempotency, NewPrompt
from promptqueue.sqlite.host.clock import Clock
from promptqueue.sqlite.host.turnstile import Turnstile
from promptqueue.sqlite.verbs import rows

erase = rows.erase

DAY = 24 * 3600.0
LONGEST_LOCK = 0.05  # seconds
MEGABYTE = 1_000_000


@pytest.fixture
def complete(queue, ask, terms):
    """Complete a number of prompts; their ids."""

    def complete_some(number, text="hello"):
        ids = [ask(text) for _ in range(number)]
        for _ in ids:
            queue.finish(queue.claim(terms), Answered(record={"response": text}, tokens=1))
        return ids

    return complete_some


def test_prompts_completed_longer_ago_are_erased_and_younger_ones_kept(queue, complete, clock):
    [old] = complete(1)
    clock.advance(1)
    [young] = complete(1)
    clock.advance(100)

    assert queue.prune(older_than=100) == 1

    assert queue.get(young).outcome == "succeeded"
    for verb in (queue.get, queue.request, queue.answer):
        with pytest.raises(PromptNotFound):
            verb(old)


def test_a_prompt_is_kept_for_exactly_as_long_as_told(queue, complete, clock):
    complete(1)

    clock.advance(100)
    exactly = queue.prune(older_than=100)
    clock.advance(0.5)

    assert (exactly, queue.prune(older_than=100)) == (0, 1)


def test_only_completed_prompts_are_erased(queue, ask, terms, clock):
    processing, queued = ask(), ask()
    queue.claim(terms)
    clock.advance(10_000)

    assert queue.prune(older_than=0) == 0
    assert [queue.get(processing).status, queue.get(queued).status] == ["processing", "queued"]


def test_it_is_the_completion_that_counts(queue, ask, terms, answered, clock):
    prompt_id = ask()
    clock.advance(10_000)
    queue.finish(queue.claim(terms), answered)

    assert queue.prune(older_than=1_000) == 0
    assert queue.get(prompt_id).outcome == "succeeded"


def test_no_more_than_the_limit_go_at_once(queue, complete, clock):
    complete(5)
    clock.advance(1)

    assert [queue.prune(older_than=0, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_a_hundred_go_at_once_unless_told_otherwise(queue, clock):
    accepted = queue.enqueue(*(NewPrompt(request={}) for _ in range(101)))
    with queue.transaction():
        for one in accepted:
            queue.cancel(one.prompt.id)
    clock.advance(1)

    assert [queue.prune(older_than=0), queue.prune(older_than=0)] == [100, 1]


def test_a_step_ends_when_its_time_is_over_and_the_next_goes_on(queue, complete, clock, monkeypatch):
    complete(5)
    clock.advance(1)
    monkeypatch.setattr(rows, "erase", lambda *erased: (clock.advance(0.004), erase(*erased)))

    assert [queue.prune(older_than=0) for _ in range(4)] == [2, 2, 1, 0]


def test_a_step_erases_one_however_long_it_takes(queue, complete, clock, monkeypatch):
    complete(2)
    clock.advance(1)
    monkeypatch.setattr(rows, "erase", lambda *erased: (clock.advance(60), erase(*erased)))

    assert [queue.prune(older_than=0) for _ in range(3)] == [1, 1, 0]


def test_long_texts_keep_nobody_waiting_for_long(open_queue, monkeypatch):
    queue, held = open_queue(clock=Clock()), []
    texts = [NewPrompt(request={"prompt": "x" * MEGABYTE}) for _ in range(40)]
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


def test_the_logs_pages_are_moved_when_nobody_waits_for_it(
    queue, storage, complete, clock, journal, tmp_path, monkeypatch
):
    if journal != "wal":
        pytest.skip("a rollback journal is done with when the commit is")
    complete(12, "x" * MEGABYTE)
    storage.tidy()
    clock.advance(1)
    database, leave = tmp_path / "queue.db", Turnstile.leave
    written = [database.stat().st_mtime_ns]

    def look_and_leave(turnstile):
        written.append(database.stat().st_mtime_ns)
        leave(turnstile)

    monkeypatch.setattr(Turnstile, "leave", look_and_leave)
    queue.prune(older_than=0)

    assert len(set(written)) == 1
    assert database.stat().st_mtime_ns > written[0]


def test_pruning_leaves_no_long_log(queue, storage, complete, clock, journal, tmp_path):
    complete(40, "x" * MEGABYTE)
    storage.tidy()
    clock.advance(1)

    while queue.prune(older_than=0, limit=2):
        pass

    assert queue.counts().completed == 0
    assert sum(path.stat().st_size for path in tmp_path.glob("queue.db-*")) < 10 * MEGABYTE


def test_counters_follow(queue, complete, real_counts, clock):
    complete(3)
    clock.advance(1)

    queue.prune(older_than=0, limit=2)

    assert real_counts() == {("completed", "interactive"): 1}


def test_erased_means_gone_from_the_disk(queue, storage, complete, clock, stored_bytes):
    complete(3, "SECRET text")
    clock.advance(1)

    queue.prune(older_than=0)
    storage.tidy()

    assert b"SECRET" not in stored_bytes()


def test_keys_go_after_a_day(queue, ask, clock):
    ask(idempotency=Idempotency(key="old", fingerprint="f"))
    clock.advance(1)
    ask(idempotency=Idempotency(key="young", fingerprint="f"))

    clock.advance(DAY)
    queue.prune(older_than=10 * DAY)

    assert [row["key"] for row in queue._database.run("SELECT key FROM idempotency_keys")] == ["young"]


def test_more_keys_go_at_once_than_prompts(queue, clock):
    queue.enqueue(*(NewPrompt(request={}, idempotency=Idempotency(key=f"{n}", fingerprint="f")) for n in range(1_500)))
    clock.advance(2 * DAY)
    left = []

    for _ in range(2):
        queue.prune(older_than=10 * DAY)
        left += queue._database.run("SELECT count(*) FROM idempotency_keys")[0]

    assert left == [500, 0]


def test_keys_that_go_do_not_count_as_prompts(queue, ask, clock):
    ask(idempotency=Idempotency(key="old", fingerprint="f"))
    clock.advance(2 * DAY)

    assert queue.prune(older_than=10 * DAY) == 0


def test_the_key_of_a_pruned_prompt_stays_known_for_its_day(queue, terms, answered, clock):
    new = NewPrompt(request={}, idempotency=Idempotency(key="k", fingerprint="f"))
    queue.enqueue(new)
    queue.finish(queue.claim(terms), answered)
    clock.advance(10)

    queue.prune(older_than=5)

    with pytest.raises(PromptDeleted):
        queue.enqueue(new)


def test_nothing_to_do_writes_nothing(queue, another, complete):
    complete(1)

    with queue.transaction():
        assert another.prune(older_than=100) == 0
