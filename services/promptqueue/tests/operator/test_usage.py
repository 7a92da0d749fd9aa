"""usage: what owners had of the model, day by day."""

from datetime import UTC, datetime

import pytest
from promptqueue.owners.key import Role, new_key
from promptqueue.prompt import Answered

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgres"])

DAY = "2023-11-14"  # on which the tests' clock stands
AGO = f"--days {(datetime.now(UTC).date() - datetime(2023, 11, 14, tzinfo=UTC).date()).days + 1}"  # and that is since


@pytest.fixture
def annas(queue, ask, terms, clock):
    """Two prompts of an owner who has a key; one of them was answered."""
    owner = queue.add_key(new_key(), owner="anna", role=Role.USER).owner.number
    ask(owner=owner)
    claim = queue.claim(terms)
    clock.advance(90)
    queue.finish(claim, Answered(record={"response": "x", "prompt_eval_count": 1_200}, tokens=3))
    queue.cancel(ask(owner=owner))


def test_people_see_a_line_for_each_day_and_owner(operate, annas, finish):
    finish()

    head, *lines = operate(f"usage {AGO}").out.splitlines()

    assert head.startswith(
        "DAY         OWNER      SUCCEEDED  FAILED  CANCELLED  EXPIRED  TOKENS READ  TOKENS WRITTEN  TIME"
    )
    assert [line.split() for line in lines] == [
        [DAY, "anna", "1", "0", "1", "0", "1,200", "3", "1.5", "min"],
        [DAY, "everybody", "1", "0", "0", "0", "0", "3", "0.0", "s"],
    ]


def test_scripts_get_the_same_of_one_owner(operate, annas, finish):
    finish()

    told = operate(f"usage {AGO} --owner anna --json").json["days"]

    assert told == [
        {
            "day": DAY,
            "owner": "anna",
            "succeeded": 1,
            "failed": 0,
            "cancelled": 1,
            "expired": 0,
            "prompt_tokens": 1_200,
            "tokens": 3,
            "seconds": 90.0,
        }
    ]


def test_days_before_those_that_are_wanted_are_left_out(operate, annas):
    assert operate("usage").out == "Nothing was asked.\n"
    assert operate("usage --json").json == {"days": []}


def test_an_owner_that_there_is_not_is_refused(operate, annas):
    done = operate("usage --owner ana")

    assert (done.code, done.err.startswith("Error: No owner has the name ana; ")) == (1, True)
