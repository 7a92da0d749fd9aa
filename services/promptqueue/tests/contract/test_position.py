"""position: the place in line, which is the order of the claims."""

import pytest
from promptqueue.prompt import NewPrompt, Priority


@pytest.fixture
def places(queue):
    return lambda ids: [queue.position(prompt_id) for prompt_id in ids]


def test_only_queued_prompts_have_a_place(queue, places, ask, terms, answered, unknown):
    done, cancelled, running = ask(), ask(), ask()
    queue.finish(queue.claim(terms), answered)
    queue.cancel(cancelled)
    queue.claim(terms)

    assert places([done, cancelled, running, unknown]) == [None, None, None, None]


def test_the_next_prompt_is_first_the_others_count_up_and_a_claim_moves_them(queue, places, ask, terms):
    ids = [ask() for _ in range(4)]

    before = places(ids)
    queue.claim(terms)

    assert (before, places(ids)) == ([1, 2, 3, 4], [None, 1, 2, 3])


def test_batch_prompts_stand_behind_every_interactive_one(places, ask):
    batch = [ask(priority=Priority.BATCH) for _ in range(2)]
    interactive = [ask() for _ in range(2)]

    assert places(interactive + batch) == [1, 2, 3, 4]


def test_a_retry_that_must_wait_stands_in_its_old_place(queue, places, ask, fail, terms):
    ids = [ask() for _ in range(3)]
    fail(2)

    before, claimed = places(ids), queue.claim(terms).prompt.id

    assert (before, claimed) == ([1, 2, 3], ids[1])
    assert places(ids) == [1, None, 2]


def test_places_have_no_gaps_after_prompts_left_the_line(queue, places, ask):
    ids = [ask(priority=lane) for lane in (Priority.BATCH, Priority.INTERACTIVE) * 4]

    queue.cancel(ids[3])
    queue.delete(ids[4])

    assert sorted(place for place in places(ids) if place is not None) == [1, 2, 3, 4, 5, 6]


def test_the_place_told_is_the_order_claimed(queue, ask, terms):
    lanes = [Priority.BATCH, Priority.INTERACTIVE, Priority.BATCH, Priority.INTERACTIVE]
    in_line = sorted([ask(priority=lane) for lane in lanes], key=queue.position)

    assert [queue.claim(terms).prompt.id for _ in lanes] == in_line


def test_a_place_is_right_however_long_the_line_is(queue, places, terms):
    lanes = [Priority.BATCH if n % 3 == 0 else Priority.INTERACTIVE for n in range(800)]
    accepted = [one.prompt.id for one in queue.enqueue(*(NewPrompt(request={}, priority=lane) for lane in lanes))]
    for prompt_id in accepted[100:700:7]:
        queue.delete(prompt_id)
    queue.claim(terms)

    progress = {one.prompt.id: one for one in queue.progress_of(accepted)}

    in_line = [prompt_id for prompt_id in accepted if prompt_id in progress and progress[prompt_id].position]
    in_line.sort(key=lambda prompt_id: progress[prompt_id].prompt.priority == Priority.BATCH)
    assert [progress[prompt_id].position for prompt_id in in_line] == list(range(1, len(in_line) + 1))
    assert places(in_line[::50]) == [progress[prompt_id].position for prompt_id in in_line[::50]]
