import uuid

import pytest
from promptqueue.errors import IdempotencyConflict, PromptDeleted, PromptNotFound, QueueFull
from promptqueue.prompt import Idempotency, NewPrompt, Outcome, Priority, Status

DAY = 24 * 3600.0


def new(text="hello", key=None, fingerprint="f", **values):
    idempotency = key and Idempotency(key=key, fingerprint=fingerprint)
    return NewPrompt(request={"prompt": text}, idempotency=idempotency, **values)


def test_an_accepted_prompt_is_queued_with_everything_it_came_with(queue, clock):
    [accepted] = queue.enqueue(new("hello", priority=Priority.BATCH, timeout=7.5, metadata={"a": [1, None]}))

    prompt = accepted.prompt
    assert (prompt.status, prompt.outcome, prompt.error) == (Status.QUEUED, None, None)
    assert (prompt.priority, prompt.timeout, prompt.metadata) == (Priority.BATCH, 7.5, {"a": [1, None]})
    assert (prompt.attempt, prompt.failures, prompt.tokens, prompt.overdue) == (0, 0, None, False)
    assert (prompt.created_at, prompt.started_at, prompt.completed_at) == (clock.wall(), None, None)
    assert queue.get(prompt.id) == prompt
    assert queue.request(prompt.id) == {"prompt": "hello"}
    assert not accepted.replayed


def test_an_id_is_a_random_uuid(queue):
    [accepted] = queue.enqueue(new())

    assert uuid.UUID(accepted.prompt.id).version == 4
    assert str(uuid.UUID(accepted.prompt.id)) == accepted.prompt.id


def test_metadata_may_be_empty_and_is_not_the_same_as_none(queue):
    empty, none = queue.enqueue(new(metadata={}), new())

    assert queue.get(empty.prompt.id).metadata == {}
    assert queue.get(none.prompt.id).metadata is None


def test_prompts_enqueued_together_stand_in_the_order_given(queue):
    accepted = queue.enqueue(*(new(str(n)) for n in range(5)))

    assert [one.position for one in accepted] == [1, 2, 3, 4, 5]
    assert [queue.position(one.prompt.id) for one in accepted] == [1, 2, 3, 4, 5]
    assert [queue.request(one.prompt.id)["prompt"] for one in accepted] == list("01234")


def test_enqueueing_nothing_is_nothing(queue):
    assert queue.enqueue() == []
    assert queue.counts().queued == 0


def test_the_place_told_at_once_is_the_place_in_line(queue):
    queue.enqueue(new(priority=Priority.BATCH), new())

    interactive, batch = queue.enqueue(new(), new(priority=Priority.BATCH))

    assert interactive.position == queue.position(interactive.prompt.id) == 2
    assert batch.position == queue.position(batch.prompt.id) == 4


def test_all_are_accepted_or_none(queue, real_counts):
    queue.enqueue(new(key="k", fingerprint="one"))

    with pytest.raises(IdempotencyConflict):
        queue.enqueue(new(), new(), new(key="k", fingerprint="two"))

    assert real_counts() == {("queued", "interactive"): 1}


def test_all_become_visible_in_one_commit(queue, another):
    with queue.transaction():
        queue.enqueue(new(), new())
        assert another.counts().queued == 0

    assert another.counts().queued == 2


def test_a_queue_that_would_hold_more_than_it_may_is_full(queue):
    queue.enqueue(new(), new(), max_queued=2)

    with pytest.raises(QueueFull, match=r"2 prompts wait, and 2 may\.$"):
        queue.enqueue(new(), max_queued=2)

    assert queue.counts().queued == 2


def test_prompts_together_that_would_overfill_the_queue_are_all_refused(queue):
    queue.enqueue(new())

    with pytest.raises(QueueFull):
        queue.enqueue(new(), new(), max_queued=2)

    assert queue.counts().queued == 1


def test_both_lanes_count_towards_a_full_queue(queue):
    queue.enqueue(new(priority=Priority.BATCH), new())

    with pytest.raises(QueueFull):
        queue.enqueue(new(), max_queued=2)


def test_only_waiting_prompts_fill_the_queue(queue, terms, answered):
    queue.enqueue(new(), new(), max_queued=2)
    queue.finish(queue.claim(terms), answered)
    queue.claim(terms)

    accepted = queue.enqueue(new(), new(), max_queued=2)

    assert len(accepted) == 2


def test_a_known_key_gives_the_first_prompt_back(queue):
    [first] = queue.enqueue(new("first", key="k"))

    [again] = queue.enqueue(new("again", key="k"))

    assert again.prompt == first.prompt
    assert again.replayed
    assert again.position == 1
    assert queue.counts().queued == 1


def test_a_known_key_is_replayed_however_full_the_queue_is(queue):
    [first] = queue.enqueue(new(key="k"), max_queued=1)

    [again] = queue.enqueue(new(key="k"), max_queued=1)

    assert again.replayed
    assert again.prompt.id == first.prompt.id


def test_a_replay_shows_where_the_prompt_stands_now(queue, terms, answered):
    queue.enqueue(new(key="k"))

    claim = queue.claim(terms)
    [while_processing] = queue.enqueue(new(key="k"))
    queue.finish(claim, answered)
    [when_completed] = queue.enqueue(new(key="k"))

    assert (while_processing.prompt.status, while_processing.position) == (Status.PROCESSING, None)
    assert (when_completed.prompt.outcome, when_completed.position) == (Outcome.SUCCEEDED, None)


def test_a_key_twice_in_one_call_is_one_prompt(queue):
    first, second = queue.enqueue(new(key="k"), new(key="k"))

    assert first.prompt.id == second.prompt.id
    assert (first.replayed, second.replayed) == (False, True)


def test_a_key_with_another_body_conflicts(queue):
    queue.enqueue(new(key="k", fingerprint="one"))

    with pytest.raises(IdempotencyConflict):
        queue.enqueue(new(key="k", fingerprint="two"))


def test_other_keys_do_not_meet(queue):
    first, second = queue.enqueue(new(key="k"), new(key="K"))

    assert first.prompt.id != second.prompt.id


def test_the_key_of_a_deleted_prompt_stays_known(queue):
    [first] = queue.enqueue(new(key="k"))
    queue.delete(first.prompt.id)

    with pytest.raises(PromptDeleted):
        queue.enqueue(new(key="k", fingerprint="of another body"))
    with pytest.raises(PromptDeleted):
        queue.enqueue(new(key="k"))


def test_a_key_is_known_for_just_under_a_day(queue, clock):
    [first] = queue.enqueue(new(key="k"))
    clock.advance(DAY - 1)

    [again] = queue.enqueue(new(key="k"))

    assert again.prompt.id == first.prompt.id


def test_a_key_is_free_again_after_a_day(queue, clock):
    [first] = queue.enqueue(new(key="k", fingerprint="one"))
    clock.advance(DAY)

    [fresh] = queue.enqueue(new(key="k", fingerprint="two"))
    [replay] = queue.enqueue(new(key="k", fingerprint="two"))

    assert not fresh.replayed
    assert fresh.prompt.id != first.prompt.id
    assert replay.prompt.id == fresh.prompt.id


def test_the_key_of_a_refused_prompt_is_not_taken(queue):
    with pytest.raises(QueueFull):
        queue.enqueue(new(key="k"), max_queued=0)

    [accepted] = queue.enqueue(new(key="k", fingerprint="another"))

    assert not accepted.replayed


def test_a_replay_sees_what_another_process_accepted(queue, another):
    [first] = another.enqueue(new(key="k"))

    [again] = queue.enqueue(new(key="k"))

    assert again.prompt.id == first.prompt.id


@pytest.mark.parametrize(
    "text",
    ["", "\0", "a\0b", "🌍 ünïcödé \u2028", "'; DROP TABLE prompts; --", "\\ud800", "x" * 1_000_000],
    ids=["empty", "nul", "nul within", "wide", "sql", "escape", "one megabyte"],
)
def test_texts_come_back_as_they_were(queue, text):
    [accepted] = queue.enqueue(NewPrompt(request={"prompt": text}, metadata={"text": text}))

    assert queue.request(accepted.prompt.id) == {"prompt": text}
    assert queue.get(accepted.prompt.id).metadata == {"text": text}


def test_a_lone_surrogate_becomes_the_replacement_character(queue):
    [accepted] = queue.enqueue(NewPrompt(request={"prompt": "a\ud83cb"}, metadata={"\udc00": "\udfff"}))

    assert queue.request(accepted.prompt.id) == {"prompt": "a\ufffdb"}
    assert queue.get(accepted.prompt.id).metadata == {"\ufffd": "\ufffd"}


def test_a_request_keeps_the_order_and_types_of_its_fields(queue):
    request = {"z": 1, "a": {"deep": [True, None, 1.5, 10**18]}, "options": {"seed": -1}}

    [accepted] = queue.enqueue(NewPrompt(request=request))

    assert list(queue.request(accepted.prompt.id).items()) == list(request.items())


def test_what_was_accepted_survives_kill_9_of_whoever_accepted_it(queue, run):
    accepting = run(
        """
import sys
from promptqueue.storage import connect
from promptqueue.prompt import NewPrompt

queue = connect(sys.argv[1], journal_mode=sys.argv[2]).open()
print(queue.enqueue(NewPrompt(request={"prompt": "keep me"}))[0].prompt.id, flush=True)
sys.stdin.read()
"""
    )
    prompt_id = accepting.read()

    accepting.kill()

    assert queue.request(prompt_id) == {"prompt": "keep me"}
    assert queue.position(prompt_id) == 1


def test_an_unfinished_commit_leaves_nothing_when_its_process_is_killed(queue, run):
    accepting = run(
        """
import sys
from promptqueue.storage import connect
from promptqueue.prompt import NewPrompt

queue = connect(sys.argv[1], journal_mode=sys.argv[2]).open()
with queue.transaction():
    queue.enqueue(*[NewPrompt(request={"prompt": "x" * 100_000}) for _ in range(40)])
    print("written", flush=True)
    sys.stdin.read()
"""
    )
    assert accepting.read() == "written"

    accepting.kill()

    assert queue.counts().queued == 0
    assert queue.enqueue(new())[0].position == 1


def test_commits_wait_for_the_disk(queue, synchronous):
    seen = []

    with queue.transaction():
        queue.enqueue(new())
        seen.append(synchronous())

    assert [*seen, synchronous()] == [2, 2]


def test_the_number_of_a_deleted_prompt_is_not_given_again(queue):
    [first, last] = queue.enqueue(new("first"), new("last"))
    queue.delete(last.prompt.id)

    [newcomer] = queue.enqueue(new("newcomer"))

    with pytest.raises(PromptNotFound):
        queue.get(last.prompt.id)
    seqs = [row["seq"] for row in queue._database.run("SELECT seq FROM prompts ORDER BY seq")]
    assert seqs == [1, 3]
    assert [queue.position(first.prompt.id), queue.position(newcomer.prompt.id)] == [1, 2]
