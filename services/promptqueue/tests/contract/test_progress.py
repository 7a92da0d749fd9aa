"""progress_of and moves: where several prompts stand at one moment, and whether the line has moved since."""

import pytest
from promptqueue.prompt import Failed


def test_it_says_of_each_what_get_and_position_say(queue, ask, terms, answered):
    ids = [ask() for _ in range(4)]
    queue.finish(queue.claim(terms), answered)
    queue.claim(terms)

    progress = {one.prompt.id: one for one in queue.progress_of(ids)}

    assert {prompt_id: one.prompt for prompt_id, one in progress.items()} == {one: queue.get(one) for one in ids}
    assert [progress[prompt_id].position for prompt_id in ids] == [None, None, 1, 2]


def test_prompts_that_do_not_exist_are_left_out(queue, ask, unknown):
    deleted, kept = ask(), ask()
    queue.delete(deleted)

    assert [one.prompt.id for one in queue.progress_of([deleted, unknown, kept])] == [kept]
    assert queue.progress_of([]) == []


def test_they_come_in_the_order_in_which_they_were_asked_for(queue, ask):
    ids = [ask() for _ in range(8)]
    ids = [*ids[::2], *ids[1::2]]

    assert [one.prompt.id for one in queue.progress_of(ids)] == ids


def test_it_says_how_far_the_text_has_been_written(queue, ask, terms, answered):
    prompt_id, seen = ask(), []

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


def test_a_null_character_in_a_models_text_counts_as_one(queue, begin):
    claim = begin()
    lengths = []

    for text, offset in [("a\0bcd", 0), ("\0\0", 5)]:
        queue.write(claim, text, offset=offset, tokens=1)
        lengths += [one.text_length for one in queue.progress_of([claim.prompt.id])]

    assert lengths == [5, 7]
    assert queue.partial(claim.prompt.id) == "a\0bcd\0\0"


@pytest.mark.parametrize("verb", ["enqueue", "claim", "release", "fail", "cancel", "delete", "expire", "recover"])
def test_whatever_moves_the_line_is_counted(queue, ask, begin, worker, clock, verb):
    claim, waiting = begin(worker.terms), ask(expires_in=5)
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


def test_what_moves_nobody_is_not_counted(queue, ask, begin, answered):
    claim = begin()
    ask()
    before = queue.moves()

    queue.write(claim, "a", offset=0, tokens=1)
    queue.renew(claim)
    queue.finish(claim, answered)
    queue.delete(claim.prompt.id)

    assert queue.moves() == before
