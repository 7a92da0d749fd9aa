"""standings: where several prompts stand at one moment."""

import pytest
from promptqueue.prompt import Failed

UNKNOWN = "7d444840-9dc0-11d1-b245-5ffdce74fad2"


def test_it_says_of_each_what_get_and_position_say(queue, ask, terms, answered):
    done, running, first, second = (ask() for _ in range(4))
    queue.finish(queue.claim(terms), answered)
    queue.claim(terms)

    standings = {one.prompt.id: one for one in queue.progress_of([done, running, first, second])}

    assert {prompt_id: one.prompt for prompt_id, one in standings.items()} == {
        prompt_id: queue.get(prompt_id) for prompt_id in (done, running, first, second)
    }
    assert [standings[prompt_id].position for prompt_id in (done, running, first, second)] == [None, None, 1, 2]


def test_prompts_that_do_not_exist_are_left_out(queue, ask):
    deleted, kept = ask(), ask()
    queue.delete(deleted)

    assert [one.prompt.id for one in queue.progress_of([deleted, UNKNOWN, kept])] == [kept]
    assert queue.progress_of([]) == []


def test_it_says_how_far_the_text_has_been_written(queue, ask, terms, answered):
    prompt_id = ask()
    seen = []

    def look():
        [one] = queue.progress_of([prompt_id])
        seen.append((one.text_attempt, one.text_length))

    look()
    claim = queue.claim(terms)
    look()
    queue.write(claim, "a", offset=0, tokens=1)
    queue.write(claim, "\U0001f30d\u00fc", offset=1, tokens=2)
    look()
    queue.finish(claim, Failed(cause="reset"))
    look()
    claim = queue.claim(terms)
    queue.write(claim, "b", offset=0, tokens=1)
    look()
    queue.finish(claim, answered)
    look()

    assert seen == [(0, 0), (0, 0), (1, 3), (1, 3), (2, 1), (0, 0)]


@pytest.mark.parametrize("verb", ["enqueue", "claim", "release", "fail", "cancel", "delete", "expire", "recover"])
def test_whatever_moves_the_line_is_counted(queue, ask, hire, clock, verb):
    ask()
    waiting = ask(expires_in=5)
    worker = hire()
    claim = queue.claim(worker.terms)
    verbs = {
        "enqueue": ask,
        "claim": lambda: queue.claim(worker.terms),
        "release": lambda: queue.release(claim),
        "fail": lambda: queue.finish(claim, Failed(cause="reset")),
        "cancel": lambda: queue.cancel(waiting),
        "delete": lambda: queue.delete(waiting),
        "expire": lambda: (clock.advance(6), queue.recover()),
        "recover": lambda: (worker.die(), queue.recover()),
    }
    before = queue.moves()

    verbs[verb]()

    assert queue.moves() > before


def test_what_moves_nobody_is_not_counted(queue, ask, hire, answered):
    ask()
    ask()
    terms = hire().terms
    claim = queue.claim(terms)
    before = queue.moves()

    queue.write(claim, "a", offset=0, tokens=1)
    queue.renew(claim)
    queue.finish(claim, answered)
    queue.delete(claim.prompt.id)

    assert queue.moves() == before


def test_it_is_one_read(queue, ask):
    ids = [ask() for _ in range(5)]
    seen = []
    queue._database._connection.set_trace_callback(seen.append)

    queue.progress_of(ids)

    queue._database._connection.set_trace_callback(None)
    assert len(seen) == 1


def test_a_null_character_in_a_models_text_counts_as_one(queue, ask, terms):
    prompt_id = ask()
    claim = queue.claim(terms)
    queue.write(claim, "a\0bcd", offset=0, tokens=1)
    first = queue.progress_of([prompt_id])[0].text_length
    queue.write(claim, "\0\0", offset=5, tokens=2)

    assert (first, queue.progress_of([prompt_id])[0].text_length) == (5, 7)
    assert queue.partial(prompt_id) == "a\0bcd\0\0"


def test_text_that_an_older_worker_wrote_has_a_length(queue, ask, terms):
    prompt_id = ask()
    queue.write(queue.claim(terms), "abc", offset=0, tokens=1)
    queue._database.run("UPDATE partials SET length = NULL")

    assert queue.progress_of([prompt_id])[0].text_length == 3
