import threading

from promptqueue.notes import Changed, Text
from promptqueue.sqlite.host.datagrams import LARGEST_DATAGRAM


def test_live_text_reaches_who_listens_to_the_prompt(queue, storage, ask, terms):
    prompt_id = ask()
    claim = queue.claim(terms)

    with storage.listen() as listener, listener.subscribe(prompt_id) as subscription:
        queue.stream_text(claim, "Ray 🌍\0", offset=4)
        heard = subscription.wait(5)

    assert heard == [Text(prompt_id, 1, 4, "Ray 🌍\0")]


def test_live_text_is_not_stored(queue, ask, terms):
    prompt_id = ask()

    queue.stream_text(queue.claim(terms), "Ray", offset=0)

    assert queue.partial(prompt_id) == ""
    assert queue.get(prompt_id).tokens == 0


def test_live_text_waits_for_no_turn(queue, another, ask, terms):
    ask()
    claim = queue.claim(terms)

    with queue.transaction():
        another.stream_text(claim, "Ray", offset=0)


def test_nobody_needs_to_listen(queue, ask, terms):
    ask()

    queue.stream_text(queue.claim(terms), "Ray", offset=0)


def test_live_text_does_not_reach_readers_of_other_prompts_or_of_all(queue, storage, ask, terms):
    ask()
    other = ask()
    claim = queue.claim(terms)

    with storage.listen() as listener, listener.subscribe(other) as of_other, listener.subscribe() as of_all:
        queue.stream_text(claim, "Ray", offset=0)
        queue.cancel(other)

        assert of_other.wait(5) == [Changed(other)]
        assert of_all.wait(5) == [Changed(other)]


def test_whoever_wants_no_live_text_hears_of_changes_alone(queue, storage, ask, terms):
    prompt_id = ask()
    claim = queue.claim(terms)

    with storage.listen(texts=False) as listener, listener.subscribe(prompt_id) as subscription:
        queue.stream_text(claim, "Ray", offset=0)
        queue.cancel(prompt_id)

        assert subscription.wait(5) == [Changed(prompt_id)]


def test_text_too_long_for_a_datagram_is_left_to_the_database(queue, storage, ask, terms):
    prompt_id = ask()
    claim = queue.claim(terms)

    with storage.listen() as listener, listener.subscribe(prompt_id) as subscription:
        queue.stream_text(claim, "x" * LARGEST_DATAGRAM, offset=0)
        queue.stream_text(claim, "short", offset=LARGEST_DATAGRAM)
        heard = subscription.wait(5)

    assert heard == [Text(prompt_id, 1, LARGEST_DATAGRAM, "short")]


def test_a_lone_surrogate_is_told_as_it_is_stored(queue, storage, ask, terms):
    prompt_id = ask()
    claim = queue.claim(terms)

    with storage.listen() as listener, listener.subscribe(prompt_id) as subscription:
        queue.stream_text(claim, "a\ud800", offset=0)

        assert subscription.wait(5) == [Text(prompt_id, 1, 0, "a\ufffd")]


def test_live_text_arrives_in_order(queue, storage, ask, terms):
    prompt_id = ask()
    claim = queue.claim(terms)
    received = []

    with storage.listen() as listener, listener.subscribe(prompt_id) as subscription:
        reading = threading.Thread(
            target=lambda: [
                received.append(note) for _ in iter(lambda: len(received) < 5, False) for note in subscription.wait(5)
            ]
        )
        reading.start()
        for offset in range(5):
            queue.stream_text(claim, str(offset), offset=offset)
        reading.join(10)

    assert [note.text for note in received] == list("01234")
