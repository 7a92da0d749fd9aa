"""listen: wake-ups and live text, from whichever process they come."""

import threading
import time

import pytest
from promptqueue.notes import Changed, Scope, Subscription, Text, Written
from promptqueue.prompt import Failed


@pytest.mark.parametrize(
    "verb", ["enqueue", "claim", "finish", "fail", "release", "cancel", "delete", "recover", "settle"]
)
def test_every_commit_about_a_prompt_is_heard_by_who_listens_to_it(
    queue, storage, another, ask, worker, answered, clock, verb
):
    prompt_id = ask(expires_in=10)
    held = verb in ("finish", "fail", "release")
    claim = queue.claim(worker.terms) if held else None
    clock.advance(10 if verb in ("recover", "settle") else 0)
    verbs = {
        "enqueue": ask,
        "claim": lambda: queue.claim(worker.terms),
        "finish": lambda: queue.finish(claim, answered),
        "fail": lambda: queue.finish(claim, Failed(cause="reset")),
        "release": lambda: queue.release(claim),
        "cancel": lambda: queue.cancel(prompt_id),
        "delete": lambda: queue.delete(prompt_id),
        "recover": queue.recover,
        "settle": lambda: queue.settle(prompt_id),
    }

    with storage.listen() as listener, listener.subscribe(prompt_id) as own, listener.subscribe() as everything:
        new_id = verbs[verb]()
        told = new_id if verb == "enqueue" else prompt_id

        assert everything.wait(5) == [Changed(told)]
        assert own.wait(0.0 if verb == "enqueue" else 5) == ([] if verb == "enqueue" else [Changed(told)])


def test_written_text_is_heard_by_who_follows_its_prompt_or_everything_and_wakes_nobody_else(
    queue, storage, another, ask, terms, until_heard
):
    prompt_id, other = ask(), ask()
    claim = queue.claim(terms)

    with (
        storage.listen() as listener,
        listener.subscribe(prompt_id) as own,
        listener.subscribe() as changes,
        listener.subscribe(Scope.EVERYTHING) as everything,
    ):
        queue.write(claim, "a", offset=0, tokens=1)
        queue.cancel(other)

        assert changes.wait(5) == [Changed(other)]
        assert own.wait(5) == [Written(prompt_id)]
        assert until_heard(everything, 2) == [Written(prompt_id), Changed(other)]


def test_everything_includes_live_text(queue, storage, ask, terms, until_heard):
    prompt_id = ask()
    claim = queue.claim(terms)

    with storage.listen() as listener, listener.subscribe(Scope.EVERYTHING) as everything:
        queue.stream_text(claim, "a", offset=0)
        queue.write(claim, "a", offset=0, tokens=1)

        assert until_heard(everything, 2) == [Text(prompt_id, 1, 0, "a"), Written(prompt_id)]


def test_a_prompt_that_was_written_and_finished_in_one_commit_has_changed(queue, storage, ask, terms, answered):
    prompt_id = ask()
    claim = queue.claim(terms)

    with storage.listen() as listener, listener.subscribe(prompt_id) as own:
        with queue.transaction():
            queue.write(claim, "a", offset=0, tokens=1)
            queue.finish(claim, answered)

        assert own.wait(5) == [Changed(prompt_id)]


def test_a_pause_is_heard_by_everybody(queue, asked, listener):
    with listener.subscribe(asked[0]) as own, listener.subscribe() as everything:
        queue.pause(True)

        assert own.wait(5) == [Changed(None)]
        assert everything.wait(5) == [Changed(None)]


def test_a_commit_of_another_process_is_heard(listener, run):
    program = """
import sys
from promptqueue.storage import connect
from promptqueue.prompt import NewPrompt

queue = connect(sys.argv[1], journal_mode=sys.argv[2]).open()
print("ready", flush=True)
sys.stdin.readline()
print(queue.enqueue(NewPrompt(request={}))[0].prompt.id, flush=True)
"""
    asking = run(program)
    asking.read()

    with listener.subscribe() as everything:
        asking.say()
        heard = everything.wait(10)

    assert heard == [Changed(asking.read())]


def test_another_process_hears_of_a_commit_and_of_live_text(queue, ask, terms, run):
    prompt_id = ask()
    program = """
import sys
from promptqueue.storage import connect

storage = connect(sys.argv[1], journal_mode=sys.argv[2])
queue = storage.open()
with storage.listen() as listener, listener.subscribe(sys.argv[3]) as subscription:
    print("ready", flush=True)
    for _ in range(2):
        for note in subscription.wait(10):
            print(type(note).__name__, getattr(note, "text", queue.get(note.prompt_id).status), flush=True)
"""
    listening = run(program, prompt_id)
    listening.read()

    claim = queue.claim(terms)
    first = listening.read()
    queue.stream_text(claim, "Ray", offset=0)

    assert [first, listening.read()] == ["Changed processing", "Text Ray"]


def test_any_number_of_readers_share_one_socket(queue, asked, listener, wake):
    first, second, _ = asked

    with listener.subscribe(first) as one, listener.subscribe(first) as same, listener.subscribe(second) as other:
        queue.cancel(first)
        queue.cancel(second)

        assert [one.wait(5), same.wait(5), other.wait(5)] == [[Changed(first)], [Changed(first)], [Changed(second)]]
    assert len(list(wake.iterdir())) == 1


def test_a_reader_that_left_hears_nothing_more(queue, asked, listener):
    prompt_id = asked[0]
    with listener.subscribe(prompt_id) as left:
        pass
    with listener.subscribe(prompt_id) as staying:
        queue.cancel(prompt_id)
        heard = staying.wait(5)

    assert heard == [Changed(prompt_id)]
    assert left.wait(0.0) == []


def test_time_is_up_without_a_word(listener):
    with listener.subscribe() as everything:
        started = time.monotonic()
        heard = everything.wait(0.05)

        assert heard == []
        assert time.monotonic() - started >= 0.05


def test_what_was_heard_before_the_wait_is_not_missed(queue, asked, listener, eventually):
    prompt_id = asked[0]

    with listener.subscribe(prompt_id) as own:
        queue.cancel(prompt_id)
        eventually(own._heard.is_set)

        assert own.wait(0.0) == [Changed(prompt_id)]


def test_notes_are_heard_once_and_in_order():
    subscription = Subscription()
    for offset in range(3):
        subscription.put(Text("id", 1, offset, "a"))

    assert [note.offset for note in subscription.wait(5)] == [0, 1, 2]
    assert subscription.wait(0.0) == []


def test_a_closed_listener_takes_its_socket_away_and_wakes_who_waits(queue, storage, wake):
    listener, heard = storage.listen(), []
    with listener.subscribe("id") as subscription:
        waiting = threading.Thread(target=lambda: heard.extend(subscription.wait(10)))
        waiting.start()

        listener.close()
        waiting.join(10)

    assert heard == [Changed(None)]
    assert list(wake.iterdir()) == []
    assert not listener._thread.is_alive()


def test_whoever_listens_learns_of_a_commit_within_moments(ask, listener):
    waits = []
    with listener.subscribe() as everything:
        for _ in range(20):
            ask()
            committed = time.monotonic()
            assert everything.wait(5)
            waits.append(time.monotonic() - committed)

    assert sorted(waits)[10] < 0.1  # a poll would take a second; the measured median is far below a millisecond
