"""listen: wake-ups and live text, from whichever instance they come."""

import threading
import time

import pytest
from promptqueue.notes import Changed, Scope, Text, Written
from promptqueue.prompt import Failed, PutBack

SOON = 5.0


@pytest.mark.parametrize(
    "verb", ["enqueue", "claim", "finish", "fail", "put back", "release", "cancel", "delete", "recover", "settle"]
)
def test_every_commit_about_a_prompt_is_heard_by_who_listens_to_it(queue, storage, ask, worker, answered, clock, verb):
    prompt_id = ask(expires_in=10)
    claim = queue.claim(worker.terms) if verb in ("finish", "fail", "put back", "release") else None
    clock.advance(10 if verb in ("recover", "settle") else 0)
    verbs = {
        "enqueue": ask,
        "claim": lambda: queue.claim(worker.terms),
        "finish": lambda: queue.finish(claim, answered),
        "fail": lambda: queue.finish(claim, Failed(cause="reset")),
        "put back": lambda: queue.finish(claim, PutBack(cause="reset", counts=True)),
        "release": lambda: queue.release(claim),
        "cancel": lambda: queue.cancel(prompt_id),
        "delete": lambda: queue.delete(prompt_id),
        "recover": queue.recover,
        "settle": lambda: queue.settle(prompt_id),
    }

    with storage.listen() as listener, listener.subscribe(prompt_id) as own, listener.subscribe() as changes:
        new_id = verbs[verb]()

        if verb == "enqueue":
            assert changes.wait(SOON) == [Changed(new_id)]
            assert own.wait(0.0) == []
        else:
            assert changes.wait(SOON) == own.wait(SOON) == [Changed(prompt_id)]


def test_written_text_is_heard_by_who_follows_its_prompt_or_everything_and_wakes_nobody_else(
    queue, storage, begin, ask, until_heard
):
    claim, other = begin(), ask()

    with (
        storage.listen() as listener,
        listener.subscribe(claim.prompt.id) as own,
        listener.subscribe() as changes,
        listener.subscribe(Scope.EVERYTHING) as everything,
    ):
        queue.write(claim, "a", offset=0, tokens=1)
        queue.cancel(other)

        assert changes.wait(SOON) == [Changed(other)]
        assert own.wait(SOON) == [Written(claim.prompt.id)]
        assert until_heard(everything, 2) == [Written(claim.prompt.id), Changed(other)]


def test_a_prompt_that_was_written_and_finished_in_one_commit_has_changed(queue, storage, begin, answered):
    claim = begin()

    with storage.listen() as listener, listener.subscribe(claim.prompt.id) as own:
        with queue.transaction():
            queue.write(claim, "a", offset=0, tokens=1)
            queue.finish(claim, answered)

        assert own.wait(SOON) == [Changed(claim.prompt.id)]


def test_a_pause_is_heard_by_everybody(queue, ask, storage):
    prompt_id = ask()

    with storage.listen() as listener, listener.subscribe(prompt_id) as own, listener.subscribe() as changes:
        queue.pause(True)

        assert own.wait(SOON) == changes.wait(SOON) == [Changed(None)]


def test_nobody_hears_of_a_commit_before_it_is_done_or_of_what_was_undone(queue, listener, ask):
    with listener.subscribe() as changes:
        with pytest.raises(ValueError, match="foreign"), queue.transaction():  # noqa: PT012 (the block is what is undone)
            ask()
            raise ValueError("foreign")
        with queue.transaction():
            committed = ask()
            before = changes.wait(0.05)

        assert (before, changes.wait(SOON)) == ([], [Changed(committed)])


def test_any_number_of_readers_hear_through_one_listener(queue, ask, storage):
    first, second = ask(), ask()

    with (
        storage.listen() as listener,
        listener.subscribe(first) as one,
        listener.subscribe(first) as same,
        listener.subscribe(second) as other,
    ):
        queue.cancel(first)
        queue.cancel(second)

        assert one.wait(SOON) == same.wait(SOON) == [Changed(first)]
        assert other.wait(SOON) == [Changed(second)]


def test_any_number_of_listeners_hear(queue, ask, storage):
    with storage.listen() as one, storage.listen() as other, one.subscribe() as here, other.subscribe() as there:
        prompt_id = ask()

        assert here.wait(SOON) == there.wait(SOON) == [Changed(prompt_id)]


def test_a_reader_that_left_hears_nothing_more(queue, ask, storage):
    prompt_id = ask()
    with storage.listen() as listener, listener.subscribe(prompt_id) as staying:
        with listener.subscribe(prompt_id) as left:
            pass
        queue.cancel(prompt_id)

        assert staying.wait(SOON) == [Changed(prompt_id)]
        assert left.wait(0.0) == []


def test_time_is_up_without_a_word(listener):
    with listener.subscribe() as changes:
        started = time.monotonic()

        assert changes.wait(0.05) == []
        assert time.monotonic() - started >= 0.05


def test_a_closed_listener_wakes_who_waits(storage):
    listener, heard = storage.listen(), []
    with listener.subscribe("id") as subscription:
        waiting = threading.Thread(target=lambda: heard.extend(subscription.wait(10)))
        waiting.start()

        listener.close()
        waiting.join(10)

    assert heard == [Changed(None)]


def test_whoever_listens_learns_of_a_commit_within_moments(ask, listener):
    waits = []
    with listener.subscribe() as changes:
        for _ in range(20):
            ask()
            committed = time.monotonic()
            assert changes.wait(SOON)
            waits.append(time.monotonic() - committed)

    assert sorted(waits)[10] < 0.1  # a poll would take a second; the measured median is far below a millisecond


# ---- live text -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "heard"), [("Ray 🌍\0", "Ray 🌍\0"), ("a\ud800", "a\ufffd")], ids=["", "as stored"])
def test_live_text_reaches_who_follows_the_prompt_or_everything_and_nobody_else(
    queue, storage, begin, ask, until_heard, text, heard
):
    claim, other = begin(), ask()
    prompt_id = claim.prompt.id

    with (
        storage.listen() as listener,
        listener.subscribe(prompt_id) as own,
        listener.subscribe(other) as of_other,
        listener.subscribe() as changes,
        listener.subscribe(Scope.EVERYTHING) as everything,
    ):
        queue.stream_text(claim, text, offset=4)
        queue.cancel(other)

        assert own.wait(SOON) == [Text(prompt_id, 1, 4, heard)]
        assert of_other.wait(SOON) == changes.wait(SOON) == [Changed(other)]
        assert {*until_heard(everything, 2)} == {Text(prompt_id, 1, 4, heard), Changed(other)}


def test_live_text_arrives_in_order(queue, storage, begin, until_heard):
    claim = begin()

    with storage.listen() as listener, listener.subscribe(claim.prompt.id) as own:
        sending = threading.Thread(
            target=lambda: [queue.stream_text(claim, str(offset), offset=offset) for offset in range(5)]
        )
        sending.start()
        heard = ""
        while heard != "01234":  # pieces that come together may arrive as one
            for note in until_heard(own, 1):
                assert (note.offset, note.text) == (len(heard), "01234"[len(heard) :][: len(note.text)])
                heard += note.text
        sending.join(10)


def test_live_text_is_not_stored_and_waits_for_no_turn_and_nobody_needs_to_listen(queue, another, begin):
    claim = begin()

    with queue.transaction():
        another.stream_text(claim, "Ray", offset=0)

    assert queue.partial(claim.prompt.id) == ""
    assert queue.get(claim.prompt.id).tokens == 0


def test_whoever_wants_no_live_text_hears_of_changes_alone(queue, storage, begin):
    claim = begin()

    with storage.listen(texts=False) as listener, listener.subscribe(claim.prompt.id) as own:
        queue.stream_text(claim, "Ray", offset=0)
        queue.write(claim, "Ray", offset=0, tokens=1)
        queue.cancel(claim.prompt.id)

        assert own.wait(SOON) == [Changed(claim.prompt.id)]
