"""Who holds calls: by a lock that the kernel frees, by the clock of one boot, and at a cost that nobody feels."""

import pytest
from promptqueue.condition import Model, ModelState, Recovered
from promptqueue.prompt import Answered, NewPrompt, Origin
from promptqueue.sqlite.verbs import recovery

HOLDER = """
import sys
from promptqueue.prompt import Answered, NewPrompt, Origin
from promptqueue.sqlite.verbs import recovery
from promptqueue.storage import connect
storage = connect(sys.argv[1], journal_mode=sys.argv[2])
queue, holder = storage.open(), storage.attend()
origin = Origin(face="openai.chat", echo={}, fingerprint="f1", holder=holder.id)
print(queue.enqueue(NewPrompt(request={}, origin=origin))[0].prompt.id, flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def journal():
    return "auto"  # all the same here


@pytest.fixture
def held(ask, attend):
    def hold(holder, **values):
        return ask(origin=Origin(face="openai.chat", echo={}, holder=holder.id, **values))

    return hold


@pytest.fixture
def gone(queue):
    """Who is known to be gone."""
    return lambda: [row["holder"] for row in queue._database.run("SELECT holder FROM gone_holders")]


@pytest.fixture
def statements(queue):
    """Use a verb; the statements that it runs, without those of triggers."""

    def trace(verb):
        seen = []
        connection = queue._database.files.sqlite
        connection.set_trace_callback(seen.append)
        verb()
        connection.set_trace_callback(None)
        return [each for each in seen if not each.startswith("--")]

    return trace


def test_the_calls_of_a_process_that_was_killed_can_be_taken_over_at_once(queue, attend, run):
    process = run(HOLDER)
    prompt_id, new = process.read(), attend()

    while_it_lives = queue.reattach("openai.chat", "f1", holder=new.id)
    process.kill()

    assert while_it_lives is None
    assert queue.reattach("openai.chat", "f1", holder=new.id).id == prompt_id


def test_whoever_enters_clears_the_dead_away_and_stands_among_no_workers(queue, storage, run, tmp_path):
    process = run(HOLDER)
    process.read()
    process.kill()

    with storage.attend() as holder:
        assert [path.name for path in (tmp_path / "holders").iterdir()] == [holder.id]
        assert queue.workers().count == 0


def test_the_minute_begins_anew_where_the_machine_was_started_anew(queue, held, attend, clock):
    holder = attend()
    prompt_id = held(holder)
    holder.leave()
    clock.advance(1)
    queue.recover()
    for _ in range(2):
        clock.reboot()
        queue.recover()
        clock.advance(59)
    clock._monotonic += 10_000  # as it may have been when the holder was found gone
    clock.boot += "'"

    settled, recovered = queue.settle(prompt_id).status, queue.recover()
    clock.advance(60)

    assert (settled, recovered, queue.recover()) == ("queued", Recovered(), Recovered(cancelled=1))


@pytest.mark.parametrize("by", ["recover", "settle"])
def test_a_holder_whose_entry_was_taken_away_for_a_while_keeps_its_prompts(queue, held, storage, clock, tmp_path, by):
    with storage.attend() as holder:
        prompt_id = held(holder)
        (tmp_path / "holders" / holder.id).unlink()
        queue.recover()
        clock.advance(60)
        holder.stay()

        assert not queue.is_behind()
        queue.recover() if by == "recover" else queue.settle(prompt_id)
        assert queue.get(prompt_id).status == "queued"


def test_what_is_known_of_the_gone_is_forgotten_once_nothing_that_they_held_is_open(queue, held, attend, gone):
    holder = attend()
    prompt_id = held(holder)
    holder.leave()
    queue.recover()
    known = gone()
    queue.cancel(prompt_id)

    queue.recover()

    assert (known, gone()) == ([holder.id], [])


def test_one_commit_cancels_five_hundred(queue, held, attend, clock):
    holder = attend()
    with queue.transaction():
        for _ in range(520):
            held(holder)
    holder.leave()
    queue.recover()
    clock.advance(60)

    assert [queue.recover().cancelled for _ in range(3)] == [500, 20, 0]


def test_what_one_commit_erases_is_bounded_by_time_and_the_rest_follows(queue, held, attend, clock, monkeypatch):
    holder = attend()
    with queue.transaction():
        for _ in range(3):
            queue.cancel(held(holder, is_kept=False))
    holder.leave()
    queue.recover()
    clock.advance(60)
    monkeypatch.setattr(recovery, "ERASING_SECONDS", 0.0)  # as if the first one took too long

    assert [queue.recover().erased for _ in range(4)] == [1, 1, 1, 0]


def test_what_an_unkept_prompts_texts_held_is_nowhere_on_the_disk(queue, attend, terms, clock, stored_bytes):
    holder = attend()
    origin = Origin(face="a", echo={"user": "SECRET-ECHO"}, holder=holder.id, is_kept=False)
    queue.enqueue(NewPrompt(request={"prompt": "SECRET-REQUEST"}, origin=origin))
    queue.finish(queue.claim(terms), Answered(record={"response": "SECRET-ANSWER"}, tokens=1))
    before = stored_bytes().count(b"SECRET")
    holder.leave()
    queue.recover()
    clock.advance(60)

    queue.recover()

    assert (before >= 3, stored_bytes().count(b"SECRET")) == (True, 0)


@pytest.mark.parametrize("verb", ["recover", "is_behind"])
def test_an_idle_look_is_four_reads_however_many_calls_are_held(queue, held, attend, statements, verb):
    holders = [attend() for _ in range(3)]
    with queue.transaction():
        for number in range(300):
            held(holders[number % 3])
            queue.cancel(held(holders[number % 3], is_kept=False))

    seen = statements(getattr(queue, verb))

    assert len(seen) == 4
    assert {each.split()[0] for each in seen} <= {"SELECT", "WITH"}


def test_the_cost_of_a_look_does_not_grow_with_what_is_held_or_stored(queue, held, attend):
    def steps():
        seen, connection = [], queue._database.files.sqlite
        connection.set_progress_handler(lambda: seen.append(1), 10)
        queue.is_behind()
        connection.set_progress_handler(None, 0)
        return len(seen)

    holder = attend()
    held(holder)
    few = steps()
    with queue.transaction():
        for _ in range(500):
            held(holder)
            queue.cancel(held(holder))
            queue.cancel(held(holder, is_kept=False))

    assert steps() <= few + 10  # where each that is held would cost as many


def test_a_request_that_comes_again_is_found_by_its_index(queue):
    steps = [
        row["detail"]
        for row in queue._database.run(
            "EXPLAIN QUERY PLAN SELECT prompts.*, holder FROM holds JOIN origins USING (seq) JOIN prompts USING (seq)"
            " WHERE fingerprint = 'f' AND face = 'a' AND (is_open = 1 OR completed_at > 5) ORDER BY holds.seq DESC"
        )
    ]

    assert steps[0] == "SEARCH holds USING INDEX holds_by_fingerprint (fingerprint=?)"
    assert not [step for step in steps if step.startswith("SCAN")]


def test_an_older_worker_that_knows_no_facts_can_still_speak(queue, worker):
    worker.describe(Model(name="llama3.2", state=ModelState.READY))
    with queue._database.transaction():
        queue._database.run(
            "INSERT OR REPLACE INTO models (worker, server, name, state) VALUES (:worker, 'x', 'llama3.2', 'ready')",
            worker=worker.terms.worker,
        )

    assert (queue.model().state, queue.facts()) == (ModelState.READY, None)


def test_a_damaged_origin_costs_itself(queue, held, attend, terms, answered):
    prompt_id = held(attend())
    with queue._database.transaction():
        queue._database.run("UPDATE origins SET echo = '{broken'")

    assert queue.origin(prompt_id) is None
    assert queue.finish(queue.claim(terms), answered).outcome == "succeeded"


def test_an_origins_echo_counts_as_stored(queue):
    large = Origin(face="a", echo={"tools": "x" * 1_000_000})

    with pytest.raises(Exception, match="the most it may"):
        queue.enqueue(NewPrompt(request={}, origin=large), max_stored_bytes=1_000_000)


def test_what_a_deleted_prompts_echo_held_is_nowhere_on_the_disk(queue, ask, stored_bytes):
    prompt_id = ask(origin=Origin(face="a", echo={"user": "SECRET-ECHO"}))
    there = b"SECRET-ECHO" in stored_bytes()

    queue.delete(prompt_id)

    assert (there, b"SECRET-ECHO" in stored_bytes()) == (True, False)


def test_a_restored_queue_knows_where_its_prompts_came_from(storage, queue, held, attend, tmp_path):
    prompt_id = held(attend())
    before = queue.origin(prompt_id)
    storage.backup(tmp_path / "copy.db")
    queue.delete(prompt_id)
    queue.close()

    storage.restore(tmp_path / "copy.db")

    restored = storage.open()
    assert restored.origin(prompt_id) == before
    restored.close()
