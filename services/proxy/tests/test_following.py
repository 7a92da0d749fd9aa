"""What comes next for a reader is one thing, how it is written another: here as lines of JSON."""

import json
import threading
from itertools import chain

import pytest
from proxy.app import parts
from proxy.live import following, updates
from proxy.live.cursor import Cursor
from proxy.live.following import Ended, Moved, Said, Silence
from proxy.live.live_prompt import Interest
from proxy.serving.connection import Connection


def line(event):
    match event:
        case Moved(snapshot=snapshot):
            return {"status": snapshot.progress.prompt.status, "position": snapshot.progress.position}
        case Said(text=text):
            return {"text": text}
        case Ended(snapshot=snapshot):
            return {"outcome": snapshot.progress.prompt.outcome}
        case Silence():
            return {}


class Lines:
    """A second writer: one JSON document a line, as other protocols have it."""

    def __init__(self, following):
        self._following = following
        self.read = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __iter__(self):
        for event in chain.from_iterable(iter(self._following.next, None)):
            yield json.dumps(line(event)).encode() + b"\n"

    def _read(self):
        for written in self:
            self.read.append(json.loads(written))

    def end(self):
        self._thread.join(20)
        assert not self._thread.is_alive(), "still open"
        self._following.close()
        return self.read


@pytest.fixture
def follow(app, anybody):
    def follow(*prompt_ids, cursor=None, interest=Interest.PLACES):
        prompts = parts(app).prompts
        found = prompts.progress_of(prompt_ids)
        return prompts.follow(
            found, dict.fromkeys(prompt_ids, cursor), Connection({}), asker=anybody, interest=interest
        )

    return follow


def test_another_writer_has_the_whole_life_of_a_prompt(follow, submit, worker, until):
    lines = Lines(follow(submit()))
    until(lambda: lines.read)
    claim = worker.claim()
    until(lambda: len(lines.read) == 2)
    for number, word in enumerate(("one ", "two"), start=1):
        worker.speak(claim, word, offset=4 * (number - 1))
        until(lambda number=number: len(lines.read) == 2 + number)
    worker.finish(claim, {"response": "one two three", "done": True})

    assert lines.end() == [
        {"status": "queued", "position": 1},
        {"status": "processing", "position": None},
        {"text": "one "},
        {"text": "two"},
        {"text": " three"},
        {"outcome": "succeeded"},
    ]


def test_another_writer_goes_on_from_a_cursor(follow, submit, worker):
    prompt_id = submit()
    worker.answer({"response": "one two", "done": True})

    assert Lines(follow(prompt_id, cursor=Cursor(1, 4))).end() == [{"text": "two"}, {"outcome": "succeeded"}]


def test_another_writer_learns_when_a_keep_alive_is_due(follow, submit, until, monkeypatch):
    monkeypatch.setattr(following, "KEEP_ALIVE_EVERY", 0.05)

    lines = Lines(follow(submit()))

    until(lambda: lines.read.count({}) > 2)


def test_what_a_writer_leaves_for_later_comes_again(follow, submit, worker, monkeypatch):
    monkeypatch.setattr(following, "LONGEST_PIECE", 1)
    prompt_id = submit()
    worker.answer({"response": "abc", "done": True})

    one_at_a_time = [line(next(ready)) for ready in iter(follow(prompt_id).next, None)]

    assert one_at_a_time == [
        {"status": "completed", "position": None},
        *({"text": piece} for piece in "abc"),
        {"outcome": "succeeded"},
    ]


def test_who_waits_for_the_end_or_for_text_is_woken_by_nothing_else(submit, worker, follow, until):
    submit()
    prompt_id = submit()
    reader = Lines(follow(prompt_id))
    for_text, for_the_end = follow(prompt_id, interest=Interest.TEXT), follow(prompt_id, interest=Interest.END)
    until(lambda: reader.read)
    assert [type(event) for event in for_text.next()] == [Moved]
    worker.answer()
    until(lambda: {"status": "queued", "position": 1} in reader.read)
    assert not for_text.wake.is_set()

    claim = worker.claim()
    until(for_text.wake.is_set)
    worker.speak(claim, "abc", write=True)
    until(lambda: {"text": "abc"} in reader.read)

    assert not for_the_end.wake.is_set()
    assert [type(event) for event in for_the_end.next(0)] == [Moved, Said]
    worker.finish(claim, {"response": "abc", "done": True})
    assert [type(event) for event in for_the_end.next()] == [Ended]
    for each in (for_text, for_the_end):
        each.close()
    reader.end()


def test_places_that_nobody_asks_for_are_looked_up_now_and_then(submit, worker, follow, until, monkeypatch):
    monkeypatch.setattr(updates, "LOOK_EVERY", 0.2)
    submit()
    prompt_id = submit()
    for_text = follow(prompt_id, interest=Interest.TEXT)
    [first] = for_text.next()
    worker.answer()

    def moved():
        return [event.snapshot.progress.position for event in for_text.next(0) if isinstance(event, Moved)]

    assert first.snapshot.progress.position == 2
    assert until(moved) == [1]
    for_text.close()


def test_places_that_nobody_asks_for_are_not_looked_up_with_each_move(submit, worker, follow, until, monkeypatch):
    monkeypatch.setattr(updates, "LOOK_EVERY", 3_600.0)
    for _ in range(3):
        submit()
    asked_for, other = submit(), submit()
    reader, for_text = Lines(follow(asked_for)), follow(other, interest=Interest.TEXT)
    list(for_text.next())
    worker.answer()  # the first round is for all
    until(lambda: {"status": "queued", "position": 3} in reader.read)
    worker.answer()
    until(lambda: {"status": "queued", "position": 2} in reader.read)
    list(for_text.next(0))
    worker.answer()
    until(lambda: {"status": "queued", "position": 1} in reader.read)

    assert [type(event) for event in for_text.next(0)] == [Silence]
    for_text.close()
    worker.answer()
    reader.end()
