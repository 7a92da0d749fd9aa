"""newest: the last accepted first, in pages."""

import pytest
from promptqueue.prompt import Failed, NewPrompt, Outcome, Priority, Status

WANTED = [
    {},
    *({"status": status} for status in Status),
    *({"outcome": outcome} for outcome in Outcome),
    {"status": Status.COMPLETED, "outcome": Outcome.FAILED},
]


def ids(page):
    return [prompt.id for prompt in page.prompts]


@pytest.fixture
def zoo(queue, ask, hire, answered, clock):
    """Prompts of every status and outcome, in the order in which they were accepted."""
    terms = hire(max_failures=1).terms
    made = []

    def end(ending):
        claim = queue.claim(terms)
        return queue.finish(claim, ending).id

    for _ in range(2):
        made.append(ask(expires_in=1))
        clock.advance(1)
        queue.recover()
        ask()
        made.append(end(answered))
        ask()
        made.append(end(Failed(cause="out of luck")))
        made.append(queue.cancel(ask()).id)
        ask(priority=Priority.BATCH)
        made.append(queue.claim(terms).prompt.id)
    return [*made, *(ask(priority=lane) for lane in [*Priority] * 2)]


def test_the_last_accepted_comes_first(queue, ask):
    asked = [ask() for _ in range(3)]

    assert ids(queue.newest()) == asked[::-1]
    assert queue.newest().next is None


def test_an_empty_queue_has_an_empty_page(queue):
    assert queue.newest().prompts == []
    assert queue.newest().next is None


@pytest.mark.parametrize("wanted", WANTED, ids=lambda wanted: " ".join(wanted.values()) or "all")
def test_pages_hold_each_prompt_that_is_wanted_exactly_once(queue, zoo, wanted):
    everything = [queue.get(prompt_id) for prompt_id in zoo]
    expected = [prompt for prompt in everything if all(getattr(prompt, name) == wanted[name] for name in wanted)]

    pages, before = [], None
    while not pages or before is not None:
        pages.append(queue.newest(**wanted, limit=2, before=before))
        before = pages[-1].next

    assert [prompt for page in pages for prompt in page.prompts] == expected[::-1]
    assert expected
    assert {len(page.prompts) for page in pages[:-1]} <= {2}


def test_a_page_that_ends_with_the_last_prompt_has_no_next(queue, ask):
    for _ in range(2):
        ask()

    assert queue.newest(limit=2).next is None
    assert queue.newest(limit=1).next is not None


def test_what_is_not_completed_has_no_outcome(queue, zoo):
    assert queue.newest(status=Status.QUEUED, outcome=Outcome.FAILED).prompts == []


def test_prompts_that_come_and_go_move_no_other_to_another_page(queue, ask):
    asked = [ask() for _ in range(6)]
    first = queue.newest(limit=2)

    ask()
    queue.delete(asked[4])  # the last one of the first page

    assert ids(first) == [asked[5], asked[4]]
    assert ids(queue.newest(limit=2, before=first.next)) == [asked[3], asked[2]]


def test_the_limit_of_a_page_is_kept_and_there_are_fifty_unless_told(queue):
    queue.enqueue(*(NewPrompt(request={}) for _ in range(60)))

    assert [len(queue.newest(limit=limit).prompts) for limit in (1, 59, 60, 100)] == [1, 59, 60, 60]
    assert len(queue.newest().prompts) == 50
