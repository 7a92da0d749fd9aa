"""cancel, pause and resume."""

import pytest

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgres"])

NOBODYS_ID = "4f9c6e2a-8f0d-4c3e-9a52-0f6f3a1f0b11"


def test_cancel_ends_all_that_are_named(operate, queue, ask, finish):
    done, first, second = finish(), ask(), ask()

    people = operate(f"cancel {first} {done}")
    script = operate(f"cancel {second} --json")

    assert people.code == 0
    assert people.out.splitlines() == [f"{first}  cancelled", f"{done}  was completed: succeeded"]
    assert script.json["prompts"][0]["outcome"] == "cancelled"
    assert queue.counts().queued == 0


def test_cancel_goes_on_past_an_id_that_is_unknown_and_says_so(operate, queue, ask):
    waiting = ask()

    done = operate(f"cancel {NOBODYS_ID} {waiting} --json")

    assert done.code == 1
    assert done.err == f"Error: No prompt has the id {NOBODYS_ID}.\n"
    assert done.json["not_found"] == [NOBODYS_ID]
    assert queue.get(waiting).outcome == "cancelled"


def test_paused_is_accepted_and_not_started_until_resumed(operate, queue, ask, terms):
    paused = operate("pause")
    waiting = ask()
    started = queue.claim(terms)
    resumed = operate("resume --json")

    assert paused.out == "Paused; 0 prompts in line, 0 still running.\n"
    assert started is None
    assert resumed.json == {"paused": False, "queued": 1, "processing": 0}
    assert queue.claim(terms).prompt.id == waiting
