"""What the cost of a verb does not grow with: the plans that SQLite makes, and the steps that it takes."""

import time
import uuid

import pytest
from promptqueue.condition import Bounds
from promptqueue.prompt import Idempotency, NewPrompt, Outcome, Status

WANTED = [
    {},
    *({"status": status} for status in Status),
    *({"outcome": outcome} for outcome in Outcome),
    {"status": Status.COMPLETED, "outcome": Outcome.FAILED},
]
OWN = [{"owner": 2, **wanted} for wanted in WANTED]
BOUNDS = dict.fromkeys(Bounds.__optional_keys__ - {"min_free_bytes"}, 10**12)


@pytest.fixture
def journal():
    return "auto"  # all the same here


@pytest.fixture
def plan(queue):
    return lambda statement: [row["detail"] for row in queue._database.run(f"EXPLAIN QUERY PLAN {statement}")]


@pytest.fixture
def statements(queue):
    """Use a verb; the statements that it runs."""

    def trace(verb):
        seen = []
        connection = queue._database.files.sqlite
        connection.set_trace_callback(seen.append)
        verb()
        connection.set_trace_callback(None)
        return seen

    return trace


@pytest.fixture
def steps_of(queue):
    """How many hundred instructions of SQLite's machine a page takes."""

    def count(**wanted):
        steps = []
        connection = queue._database.files.sqlite
        connection.set_progress_handler(lambda: steps.append(1), 100)
        page = queue.newest(**wanted, limit=20)
        connection.set_progress_handler(None, 0)
        assert len(page.prompts) == 20
        return len(steps)

    return count


@pytest.fixture
def store(queue):
    """Store prompts by one statement: through the verbs it would take minutes."""

    def store_many(number, status, outcome, owner=0):
        with queue._database.transaction():
            queue._database.run(
                """
                WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :number)
                INSERT INTO prompts (id, priority, status, outcome, created_at, completed_at, leased_until, owner)
                SELECT hex(randomblob(16)), CASE n % 2 WHEN 0 THEN 'batch' ELSE 'interactive' END, :status, :outcome, 1,
                       CASE :status WHEN 'completed' THEN 1 END, CASE :status WHEN 'processing' THEN 1 END,
                       :owner
                FROM numbers
                """,
                number=number,
                status=status,
                outcome=outcome,
                owner=owner,
            )

    return store_many


def test_whose_turn_it_is_is_found_in_the_order_of_two_indexes_and_nothing_is_sorted(
    queue, ask, terms, plan, statements
):
    ask()

    statement = next(each for each in statements(lambda: queue.claim(terms)) if "UPDATE prompts" in each)

    steps = plan(statement)
    assert "SEARCH turns USING INDEX turns_next (priority=?)" in steps
    assert "SEARCH prompts USING INDEX prompts_in_line (priority=? AND owner=?)" in steps
    assert not [step for step in steps if "TEMP B-TREE" in step]


def test_totals_are_read_from_counters(plan):
    assert plan("SELECT status, priority, prompts FROM counters") == ["SCAN counters"]


def test_a_place_costs_no_count_of_the_whole_line(queue, ask, plan, statements):
    """Blocks of 256 are added up, and one of them is counted, whatever stands before."""
    prompt_id = ask()

    [statement] = statements(lambda: queue.position(prompt_id))

    steps = plan(statement)
    assert "SEARCH line USING PRIMARY KEY (priority=? AND owner=? AND block<?)" in steps
    assert "SEARCH his USING PRIMARY KEY (priority=?)" in steps
    assert "MATERIALIZE mine" in steps
    assert "SEARCH ahead USING COVERING INDEX prompts_in_line (priority=? AND owner=? AND seq>? AND seq<?)" in steps
    of_those_named = {"SCAN named VIRTUAL TABLE INDEX 1:", "SCAN ranked", "SCAN mine"}
    assert {step for step in steps if step.startswith("SCAN")} == of_those_named


def test_where_several_prompts_stand_is_one_read(queue, ask, statements):
    ids = [ask() for _ in range(5)]

    assert len(statements(lambda: queue.progress_of(ids))) == 1


@pytest.mark.parametrize("wanted", WANTED, ids=lambda wanted: " ".join(wanted.values()) or "all")
def test_a_page_costs_the_same_however_many_prompts_are_stored(store, steps_of, wanted):
    for outcome in Outcome:
        store(25, "completed", outcome)
    store(25, "processing", None)
    store(50, "queued", None)
    few = steps_of(**wanted)

    many = [("queued", None), ("completed", "succeeded")]
    if "succeeded" in wanted.values() or wanted == {"status": "completed"}:
        many.reverse()  # what is wanted lies below what is not
    for status, outcome in many:
        store(10_000, status, outcome)

    assert steps_of(**wanted) <= few * 1.5 + 5


@pytest.mark.parametrize("wanted", OWN, ids=lambda wanted: " ".join(map(str, wanted.values())))
def test_a_page_of_an_owner_costs_the_same_however_many_prompts_others_and_it_have_stored(store, steps_of, wanted):
    for outcome in Outcome:
        store(25, "completed", outcome, owner=2)
    store(25, "processing", None, owner=2)
    store(50, "queued", None, owner=2)
    few = steps_of(**wanted)

    for owner in (2, 0):
        store(5_000, "queued", None, owner=owner)
        store(5_000, "completed", "succeeded", owner=owner)
        store(5_000, "completed", "failed", owner=owner)

    assert steps_of(**wanted) <= few * 1.5 + 5


@pytest.mark.parametrize("when", [{"since": 2}, {"until": 1}, {"since": 1, "until": 1}], ids=str)
def test_a_page_of_a_time_passes_over_nothing_that_is_older_or_newer(store, queue, statements, when):
    store(10_000, "completed", "succeeded")

    page = queue.newest(**when)
    assert (page.prompts, page.next) == ([], None)
    assert len(statements(lambda: queue.newest(**when))) < 40


def test_a_page_by_a_key_looks_at_two_thousand_prompts_at_most_and_says_where_it_stopped(ask, store, queue):
    wanted = ask(metadata={"key": 1})
    store(3_000, "completed", "succeeded")

    first = queue.newest(metadata_key="key")
    second = queue.newest(metadata_key="key", before=first.next)

    assert first.prompts == []
    assert ([prompt.id for prompt in second.prompts], second.next) == ([wanted], None)


def test_submissions_at_once_need_no_savepoint_and_as_many_statements_each_however_many_they_are(queue, statements):
    """Within a savepoint, what has triggers takes the longer the more was written before."""

    def run_for(number):
        def submit():
            keys = [Idempotency(key=str(uuid.uuid4()), fingerprint="f") for _ in range(number)]
            with queue.transaction():
                queue.enqueue(*[NewPrompt(request={}, idempotency=key) for key in keys], **BOUNDS)

        return statements(submit)

    few, many = run_for(10), run_for(100)

    assert not [statement for statement in many if "SAVEPOINT" in statement]
    assert len(many) <= 10 * len(few)


def test_thousands_of_submissions_cost_no_more_within_a_block_within_a_block(queue):
    """Savepoints within a savepoint once made it thirty times as much."""

    def submissions(number):
        keys = [Idempotency(key=str(uuid.uuid4()), fingerprint="f" * 64) for _ in range(number)]
        return [NewPrompt(request={"prompt": "x" * 1_000}, idempotency=key) for key in keys]

    def seconds(submit):
        new, begun = submissions(1_250), time.thread_time()
        submit(new)
        return time.thread_time() - begun

    def one_by_one(new):
        with queue.transaction(), queue.transaction():
            for each in new:
                queue.enqueue(each)

    def at_once(new):
        with queue.transaction():
            queue.enqueue(*new)

    queue.enqueue(*submissions(3_000))
    plain = seconds(lambda new: queue.enqueue(*new))

    assert seconds(one_by_one) < 3 * plain
    assert seconds(at_once) < 3 * plain
