"""The list of prompts: the last accepted first, in pages, at a cost that does not grow with what is stored."""

import pytest
from promptqueue.prompt import Failed, NewPrompt, Outcome, Priority, Status

EVERYTHING = [
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
    made = {}

    def end(ending):
        claim = queue.claim(terms)
        return queue.finish(claim, ending).id

    for name in ("first", "second"):
        made[f"{name} expired"] = ask(expires_in=1)
        clock.advance(1)
        queue.recover()
        ask()
        made[f"{name} succeeded"] = end(answered)
        ask()
        made[f"{name} failed"] = end(Failed(cause="out of luck"))
        made[f"{name} cancelled"] = queue.cancel(ask()).id
        ask(priority=Priority.BATCH)
        made[f"{name} processing"] = queue.claim(terms).prompt.id
    for name in ("first", "second"):
        made[f"{name} batch"] = ask(priority=Priority.BATCH)
        made[f"{name} interactive"] = ask()
    return made


def test_the_last_accepted_comes_first(queue, ask):
    asked = [ask() for _ in range(3)]

    assert ids(queue.newest()) == asked[::-1]
    assert queue.newest().next is None


def test_an_empty_queue_has_an_empty_page(queue):
    assert queue.newest().prompts == []
    assert queue.newest().next is None


@pytest.mark.parametrize("wanted", EVERYTHING, ids=lambda wanted: " ".join(wanted.values()) or "all")
def test_pages_hold_each_prompt_that_is_wanted_exactly_once(queue, zoo, wanted):
    everything = [queue.get(prompt_id) for prompt_id in zoo.values()]
    expected = [
        prompt.id for prompt in everything if all(getattr(prompt, name) == value for name, value in wanted.items())
    ]

    pages, before = [], None
    while not pages or before is not None:
        pages.append(queue.newest(**wanted, limit=2, before=before))
        before = pages[-1].next

    assert [prompt_id for page in pages for prompt_id in ids(page)] == expected[::-1]
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


def test_a_prompt_is_told_as_get_tells_it(queue, zoo):
    assert [queue.get(prompt.id) for prompt in queue.newest().prompts] == queue.newest().prompts


def steps_of(queue, **wanted):
    """How many hundred instructions of SQLite's machine a page takes."""
    steps = 0

    def count():
        nonlocal steps
        steps += 1

    connection = queue._database._connection
    connection.set_progress_handler(count, 100)
    page = queue.newest(**wanted, limit=20)
    connection.set_progress_handler(None, 0)
    assert len(page.prompts) == 20
    return steps


@pytest.mark.parametrize("wanted", EVERYTHING, ids=lambda wanted: " ".join(wanted.values()) or "all")
def test_a_page_costs_the_same_however_many_prompts_are_stored(queue, wanted):
    def store(number, status, outcome):
        """Store prompts by one statement: through the verbs it would take minutes."""
        with queue._database.transaction():
            queue._database.run(
                """
                WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :number)
                INSERT INTO prompts (id, priority, status, outcome, created_at, completed_at, leased_until)
                SELECT hex(randomblob(16)), CASE n % 2 WHEN 0 THEN 'batch' ELSE 'interactive' END, :status, :outcome, 1,
                       CASE :status WHEN 'completed' THEN 1 END, CASE :status WHEN 'processing' THEN 1 END
                FROM numbers
                """,
                number=number,
                status=status,
                outcome=outcome,
            )

    for outcome in Outcome:
        store(25, "completed", outcome)
    store(25, "processing", None)
    store(50, "queued", None)
    few = steps_of(queue, **wanted)

    many = [("queued", None), ("completed", "succeeded")]
    if "succeeded" in wanted.values() or wanted == {"status": "completed"}:
        many.reverse()  # what is wanted lies below what is not
    for status, outcome in many:
        store(20_000, status, outcome)
    cost = steps_of(queue, **wanted)

    assert cost <= few * 1.5 + 5


def test_the_limit_of_a_page_is_kept_and_there_are_fifty_unless_told(queue):
    queue.enqueue(*(NewPrompt(request={}) for _ in range(60)))

    assert [len(queue.newest(limit=limit).prompts) for limit in (1, 59, 60, 100)] == [1, 59, 60, 60]
    assert len(queue.newest().prompts) == 50
