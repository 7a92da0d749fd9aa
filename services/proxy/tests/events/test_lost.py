"""What gets lost on the way to a reader is mended, whether it is a text, a wake-up or the storage for a while."""

import random
import threading

import pytest
from promptqueue.errors import StorageUnavailable
from proxy.app import parts
from proxy.live.updates import Updates


def test_text_that_was_lost_on_the_way_comes_from_the_database_in_its_place(unwoken, submit, worker, followed, until):
    one = followed(submit())
    claim = worker.claim()
    worker.speak(claim, "one ")
    until(lambda: one.text == "one ")
    worker.speak(claim, "three ", offset=8)  # "two " was lost
    worker.speak(claim, "four ", offset=14)

    worker.queue.write(claim, "one two ", offset=0, tokens=2)
    until(lambda: one.text == "one two three four ")
    worker.speak(claim, "five", offset=19)

    until(lambda: one.text == "one two three four five")


def test_the_last_text_to_be_lost_is_mended_too(unwoken, submit, worker, followed, until):
    one = followed(submit())
    claim = worker.claim()
    worker.speak(claim, "one ")
    until(lambda: one.text == "one ")

    worker.queue.write(claim, "one two", offset=0, tokens=2)

    until(lambda: one.text == "one two")


def test_text_that_comes_twice_is_sent_once(submit, worker, followed, until):
    one = followed(submit())
    claim = worker.claim()
    worker.speak(claim, "one ")
    worker.speak(claim, "one ")
    worker.speak(claim, "e two", offset=2)

    until(lambda: one.text == "one two")
    assert [event.id for event in one.events if event.kind == "token"][-1] == "1-7"


@pytest.mark.parametrize("seed", range(3))
def test_whichever_datagrams_get_lost_every_token_is_sent_in_its_place(submit, worker, followed, seed, monkeypatch):
    chance = random.Random(seed)
    wakeup = worker.queue._database.files.sender
    send, lost = wakeup._send, []

    def send_or_lose(message, **options):
        return lost.append(message) if chance.random() < 0.4 else send(message, **options)

    monkeypatch.setattr(wakeup, "_send", send_or_lose)
    readers = [followed(submit()) for _ in range(3)]
    pieces = [f"{number} " for number in range(200)]
    for _ in readers:
        claim, written, said = worker.claim(), "", ""
        for number, piece in enumerate(pieces):
            worker.speak(claim, piece, offset=len(said))
            said += piece
            if number % 20 == 19:
                worker.queue.write(claim, said[len(written) :], offset=len(written), tokens=number)
                written = said
        worker.finish(claim, {"response": said, "done": True})

    for one in readers:
        one.end()
        assert one.text == "".join(pieces)
        assert one.kinds[-1] == "completed"
    assert len(lost) > 100


def test_with_no_wake_up_at_all_everything_is_sent_within_seconds(client, submit, worker, followed, until, tmp_path):
    first, second = submit(), submit()
    readers = [followed(first), followed(second)]
    for listener in (tmp_path / "data" / "wake").glob("*.sock"):
        listener.unlink()

    claim = worker.claim()
    until(lambda: readers[1].positions == [2, 1])
    worker.queue.write(claim, "abc", offset=0, tokens=1)
    until(lambda: readers[0].text == "abc")
    worker.finish(claim, {"response": "abcd", "done": True})

    assert [event.kind for event in readers[0].end()][-1] == "completed"
    assert readers[0].text == "abcd"


def test_every_change_is_heard_by_wake_ups_alone(unwoken, client, submit, worker, followed, until):
    first, second, third = submit(), submit(), submit()
    readers = [followed(one) for one in (first, second, third)]

    claim = worker.claim()
    until(lambda: [one.positions for one in readers] == [[1, None], [2, 1], [3, 2]])
    client.post(f"/api/v1/prompt/{second}/cancel")
    until(lambda: readers[2].positions == [3, 2, 1])
    worker.queue.release(claim)
    until(lambda: readers[0].positions == [1, None, 1])
    until(lambda: readers[2].positions == [3, 2, 1, 2])
    client.delete(f"/api/v1/prompt/{first}")
    readers[0].end()
    until(lambda: readers[2].positions == [3, 2, 1, 2, 1])
    worker.answer()

    assert readers[2].end()[-1].kind == "completed"


def test_streams_outlive_a_storage_that_is_away_for_a_while(app, submit, worker, followed, until, monkeypatch):
    one = followed(submit())
    real, failed = parts(app).reader.read, threading.Event()

    def fail(_):
        failed.set()
        raise StorageUnavailable

    monkeypatch.setattr(parts(app).reader, "read", fail)
    claim = worker.claim()
    worker.finish(claim)
    assert failed.wait(10)
    monkeypatch.setattr(parts(app).reader, "read", real)

    assert one.end()[-1].kind == "completed"


def test_a_place_that_could_not_be_read_is_sent_when_the_storage_is_back(
    app, submit, worker, followed, until, monkeypatch
):
    first, second = submit(), submit()
    one = followed(second)
    real, failed = parts(app).reader.read, []

    def fail_once(look):
        found = real(look)
        if isinstance(found, list) and not failed:
            failed.append(found)
            raise StorageUnavailable
        return found

    monkeypatch.setattr(parts(app).reader, "read", fail_once)
    worker.queue.cancel(first)

    until(lambda: one.positions == [2, 1])
    assert failed


def test_a_mistake_of_ours_ends_the_streams_and_the_next_are_served(app, client, submit, followed, until, monkeypatch):
    prompt_id = submit()
    one = followed(prompt_id)
    monkeypatch.setattr(Updates, "take_turn", lambda *_: 1 / 0)
    submit()
    one.end()
    monkeypatch.undo()

    assert followed(prompt_id, Last_Event_ID=one.events[-1].id).kinds == ["status"]


def test_once_nobody_follows_anything_nothing_is_read(app, client, submit, worker, followed, until, monkeypatch):
    prompt_id = submit()
    one = followed(prompt_id)
    worker.answer()
    one.end()
    one.close()
    until(lambda: not parts(app).live._prompts)
    turned, reads = threading.Event(), []
    take_turn = Updates.take_turn

    def turn(updates, notes):
        take_turn(updates, notes)
        if notes:
            turned.set()

    monkeypatch.setattr(Updates, "take_turn", turn)
    monkeypatch.setattr(parts(app).reader, "read", reads.append)

    until(lambda: submit() and turned.is_set())

    assert reads == []
