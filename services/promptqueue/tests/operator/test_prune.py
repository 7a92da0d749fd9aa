"""prune."""

import re
import time

import pytest
from promptqueue.machine.clock import Clock
from promptqueue.prompt import NewPrompt

EARLIER = {
    "sqlite": "UPDATE control SET clock_since = clock_since - 24 * 3600",
    "postgres": "UPDATE clocks SET since = since - 24 * 3600",
}

on_both_engines = pytest.mark.parametrize("engine", ["sqlite", "postgres"])


@on_both_engines
def test_prune_erases_what_is_older_to_the_last_and_keeps_the_rest(operate, queue, finish, clock):
    for _ in range(3):
        finish()  # by the clock of these tests, years ago
    clock.step_wall(10 * 365 * 86_400)
    young = finish()

    counted = operate("prune --older-than 7d --dry-run --json").json
    erased = operate("prune --older-than 7d")

    assert counted == {"erased": 0, "prunable": 3}
    assert erased.out == "3 prompts erased.\n"
    assert [prompt.id for prompt in queue.newest().prompts] == [young]


@on_both_engines
def test_prune_says_how_long_the_clock_has_been_right_where_that_is_short(operate, finish, queue, engine):
    for _ in range(2):
        finish()

    people, script = operate("prune --older-than 7d"), operate("prune --older-than 7d --json")
    with queue.transaction():
        queue._database.run(EARLIER[engine])
    finish()
    believed = operate("prune --older-than 7d")

    assert re.fullmatch(r"The clock says .* UTC, and is known to have kept step for 0\.\d s only\.\n", people.err)
    assert people.out == "2 prompts erased.\n"
    assert (script.json["clock_agreed_seconds"], script.err) == (0, "")
    assert (believed.out, believed.err) == ("1 prompt erased.\n", "")


def test_a_clock_that_is_set_while_prune_runs_erases_no_more(operate, queue, monkeypatch):
    accepted = queue.enqueue(*(NewPrompt(request={}) for _ in range(150)))
    with queue.transaction():
        for one in accepted:
            queue.cancel(one.prompt.id)
        queue._database.run("UPDATE prompts SET completed_at = :now", now=time.time() - 20 * 86_400)
        queue._database.run("UPDATE prompts SET completed_at = :now WHERE seq <= 30", now=time.time() - 40 * 86_400)
    wall, prune, offset = Clock.wall, type(queue).prune, []
    monkeypatch.setattr(Clock, "wall", lambda clock: wall(clock) + sum(offset))

    def prune_and_set_the_clock(*arguments, **settings):
        erased = prune(*arguments, **settings, limit=10)
        offset[:] = [31 * 86_400]
        return erased

    monkeypatch.setattr(type(queue), "prune", prune_and_set_the_clock)
    done = operate("prune --older-than 30d --json")

    assert (done.code, done.json["erased"], done.json["prunable"]) == (1, 10, 20)
    assert done.err == "Error: The clock was set meanwhile, so no more was erased: look at it, and try again.\n"
    assert queue.counts().completed == 140


def test_what_was_pruned_is_gone_from_the_disk(operate, finish, stored_bytes):
    finish("SECRET question")

    operate("prune --older-than 0s")

    assert b"SECRET" not in stored_bytes()


@pytest.mark.parametrize("age", ["7", "d", "-1d", "7 d", "7y", "1e3d", "NaNd", ""])
def test_anything_but_an_age_is_not_understood(operate, queue, age):
    done = operate(f"prune --older-than '{age}'")

    assert done.code == 2
    assert "is not an age: write a number and s, m, h, d or w, such as 7d." in done.err
