"""The lookout: of the slots that a note has woken, one look that finds nothing is enough."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.waiting import until
from worker.answering.lookout import Lookout

PATIENCE = 20.0  # seconds


class Queue:
    """Counts how often it was looked into; a look takes until `go` is set."""

    def __init__(self, *prompts):
        self.prompts = list(prompts)
        self.looks = 0
        self.go = threading.Event()

    def claim(self):
        self.looks += 1
        assert self.go.wait(PATIENCE)
        return self.prompts.pop() if self.prompts else None


@pytest.fixture
def slots():
    with ThreadPoolExecutor(8) as threads:
        yield threads


def woken(lookout, queue, slots, number):
    """Have so many slots woken at one moment; what each found, once all of them wait for a look."""
    came = []

    def look():
        came.append(None)
        return lookout.look(queue.claim, patience=PATIENCE)

    found = [slots.submit(look) for _ in range(number)]
    until(lambda: len(came) == number and queue.looks == 1, "all have come, and one looks")
    queue.go.set()
    return [each.result(PATIENCE) for each in found]


def test_a_prompt_that_wakes_many_is_found_by_one_and_one_more_sees_that_there_is_no_other(slots):
    queue = Queue("prompt")

    found = woken(Lookout(), queue, slots, 8)

    assert sorted(found, key=bool) == [None] * 7 + ["prompt"]
    assert queue.looks == 2


def test_each_of_several_prompts_is_found_at_once(slots):
    queue = Queue("one", "two", "three")

    found = woken(Lookout(), queue, slots, 8)

    assert sorted(filter(None, found)) == ["one", "three", "two"]
    assert queue.looks == 4


def test_who_is_woken_after_a_look_began_looks_again(slots):
    lookout, queue = Lookout(), Queue()
    first = slots.submit(lookout.look, queue.claim, patience=PATIENCE)
    until(lambda: queue.looks, "the first looks")
    came = threading.Event()

    def come():
        came.set()
        return lookout.look(lambda: "came too late for the first", patience=PATIENCE)

    second = slots.submit(come)
    came.wait(PATIENCE)
    queue.go.set()

    assert first.result(PATIENCE) is None
    assert second.result(PATIENCE) == "came too late for the first"


def test_who_waits_too_long_for_others_looks_gives_up_for_now(slots):
    lookout, queue = Lookout(), Queue()
    first = slots.submit(lookout.look, queue.claim, patience=PATIENCE)
    until(lambda: queue.looks, "the first looks")

    assert lookout.look(queue.claim, patience=0.01) is None
    queue.go.set()
    assert first.result(PATIENCE) is None
    assert queue.looks == 1


def test_a_look_that_fails_keeps_nobody_from_looking(slots):
    lookout = Lookout()

    with pytest.raises(ZeroDivisionError):
        lookout.look(lambda: 1 / 0, patience=PATIENCE)
    assert lookout.look(lambda: "prompt", patience=PATIENCE) == "prompt"
