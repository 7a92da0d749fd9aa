"""newest: the last accepted first, in pages."""

from itertools import combinations

import pytest
from promptqueue.owners.owner import EVERYBODY, PAGES
from promptqueue.prompt import Failed, NewPrompt, Outcome, Priority, Status

WANTED = [
    {},
    *({"status": status} for status in Status),
    *({"outcome": outcome} for outcome in Outcome),
    {"status": Status.COMPLETED, "outcome": Outcome.FAILED},
]
WANTED += [{"owner": PAGES, **wanted} for wanted in WANTED]
DAY = 24 * 3600.0


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

    for owner in (EVERYBODY, PAGES, EVERYBODY, PAGES):
        made.append(ask(owner=owner, expires_in=1))
        clock.advance(1)
        queue.recover()
        ask(owner=owner)
        made.append(end(answered))
        ask(owner=owner)
        made.append(end(Failed(cause="out of luck")))
        made.append(queue.cancel(ask(owner=owner)).id)
        ask(owner=owner, priority=Priority.BATCH)
        made.append(queue.claim(terms).prompt.id)
    return [*made, *(ask(owner=owner, priority=lane) for lane in [*Priority] * 2 for owner in (PAGES, EVERYBODY))]


def test_the_last_accepted_comes_first(queue, ask):
    asked = [ask() for _ in range(3)]

    assert ids(queue.newest()) == asked[::-1]
    assert queue.newest().next is None


def test_an_empty_queue_has_an_empty_page(queue):
    assert queue.newest().prompts == []
    assert queue.newest().next is None


@pytest.mark.parametrize("wanted", WANTED, ids=lambda wanted: " ".join(map(str, wanted.values())) or "all")
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


# ---- by when they were accepted, and by their metadata ---------------------------------------------------------------


def all_pages(queue, **wanted):
    page = queue.newest(**wanted)
    found = ids(page)
    while page.next is not None:
        page = queue.newest(**wanted, before=page.next)
        found += ids(page)
    return found


@pytest.mark.parametrize("limit", [1, 50])
def test_those_accepted_since_a_moment_and_until_another_are_listed(queue, ask, clock, limit):
    asked = []
    for number in range(5):
        asked.append(ask(owner=number % 2))
        clock.advance(DAY)
    days = [queue.get(one).created_at for one in asked]

    def listed(**wanted):
        return [asked.index(one) for one in all_pages(queue, limit=limit, **wanted)]

    assert listed(since=days[3]) == [4, 3]
    assert listed(until=days[3]) == [2, 1, 0]
    assert listed(since=days[1], until=days[4]) == [3, 2, 1]
    assert listed(since=days[1], until=days[4], owner=1) == [3, 1]
    assert listed(since=days[1] + 1, until=days[2]) == listed(since=days[4] + 1) == listed(until=days[0]) == []


def test_one_that_was_retried_was_accepted_then(queue, ask, clock):
    first, second = queue.cancel(ask()).id, ask()
    clock.advance(DAY)
    queue.retry(first)
    now = clock.wall()

    assert (ids(queue.newest(since=now)), ids(queue.newest(until=now))) == ([first], [second])


def test_nothing_is_listed_that_was_accepted_outside_of_the_time_whatever_the_wall_clock_did(queue, ask, clock):
    asked = {ask(): clock.wall() for step in [DAY, -3 * DAY, DAY, DAY, 5 * DAY, -DAY] if not clock.step_wall(step)}
    moments = sorted(asked.values())

    for since, until in combinations([*moments, moments[-1] + 1], 2):
        listed = all_pages(queue, since=since, until=until, limit=2)
        assert all(since <= asked[one] < until for one in listed)
        assert len(set(listed)) == len(listed)


@pytest.mark.parametrize("key", ["batch", 'a "quoted" key', "$.batch", ""])
def test_those_are_listed_whose_metadata_has_a_key_whatever_its_value(queue, ask, key):
    asked = [ask(metadata=metadata) for metadata in [None, {key: None}, {"other": key}, {key: 1, "other": 2}, {}]]

    assert ids(queue.newest(metadata_key=key)) == [asked[3], asked[1]]
    assert all_pages(queue, metadata_key=key, limit=1) == [asked[3], asked[1]]
    assert ids(queue.newest(metadata_key=key, owner=PAGES)) == []
