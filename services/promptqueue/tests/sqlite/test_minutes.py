"""The table of the last minutes: across boots and processes, and however long it is kept."""

import pytest
from promptqueue.prompt import Answered
from promptqueue.sqlite.file import schema

HOUR = 3600.0


@pytest.fixture(autouse=True)
def at_a_full_minute(clock):
    clock.advance(60 - clock.wall() % 60)


@pytest.fixture
def answer(queue, begin):
    """Have one prompt answered with so many tokens."""

    def answer_one(tokens=1):
        queue.finish(begin(), Answered(record={}, tokens=tokens))

    return answer_one


@pytest.fixture
def rows(queue):
    return lambda: len(queue._database.run("SELECT * FROM minutes"))


@pytest.fixture
def completed(queue):
    return lambda number: [each.completed for each in queue.history(number)]


def test_after_another_boot_minutes_keep_the_names_that_they_had(answer, completed, clock):
    answer()
    clock.advance(120)

    clock.reboot()
    answer()
    clock.advance(60)
    answer()

    assert completed(5) == [0, 1, 0, 1, 1]


def test_a_minute_of_another_boot_that_would_lie_within_this_one_is_not_told(answer, completed, clock):
    answer()
    clock.advance(60)

    clock.reboot()
    clock.step_wall(-120)
    clock.advance(300)

    assert completed(60) == [0] * 60


def test_until_another_boot_a_line_that_stands_still_is_known(queue, ask, answer, clock):
    answer()
    queue.observe()
    clock.advance(180)

    clock.reboot()
    queue.observe()

    assert [each.queued for each in queue.history(5)] == [None, 0, 0, 0, 0]


def test_the_minute_in_which_another_boot_began_is_told_as_it_stood_when_somebody_looked(queue, ask, clock):
    ask()
    clock.advance(10)
    queue.observe()
    ask()

    clock.reboot()
    ask()
    clock.advance(60)

    assert [(each.queued, each.oldest_wait_seconds) for each in queue.history(3)] == [(None, None), (1, 10), (3, 70)]


def test_what_is_kept_is_bounded_with_and_without_an_observer(queue, ask, answer, rows, clock):
    seen = None
    for minute in range(60 * 5):
        answer()
        seen = queue.observe(seen) if minute < 150 else None
        clock.advance(60)

    assert rows() <= 60 * 2 + 2


def test_rows_of_other_boots_go_once_this_boot_is_old_enough(answer, rows, clock):
    for _ in range(5):
        answer()
        clock.advance(60)
    clock.reboot()
    clock.step_wall(10 * HOUR)  # which need not be true

    answer()
    young = rows()
    clock.advance(3 * HOUR)
    answer()

    assert (young, rows()) == (6, 2)  # the last of this one holds what is known of the line


def test_what_was_known_of_a_line_that_stood_still_all_night_is_not_forgotten(queue, ask, clock):
    ask()
    seen = queue.observe()
    for _ in range(10 * 60):
        clock.advance(60)
        seen = queue.observe(seen)
    clock.advance(30)

    ask()
    queue.observe(seen)

    assert [each.queued for each in queue.history(3)] == [1, 1, 2]
    assert queue.history(60)[0].oldest_wait_seconds == pytest.approx(541 * 60, abs=1)


def test_a_queue_at_rest_is_left_alone_on_the_disk(queue, answer, clock, path_of_queue):
    seen = queue.observe()
    answer()
    seen = queue.observe(seen)
    before = path_of_queue()

    for _ in range(60 * 3):
        clock.advance(1)
        seen = queue.observe(seen)
    queue.observe()

    assert path_of_queue() == before


@pytest.fixture
def path_of_queue(tmp_path):
    """What the queue's files hold."""
    return lambda: {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.is_file()}


def test_processes_that_end_prompts_at_once_count_each_of_them(queue, ask, run):
    for _ in range(60):
        ask()
    program = """
from promptqueue.storage import connect
from promptqueue.prompt import Answered, Terms
import sys

storage = connect(sys.argv[1], journal_mode=sys.argv[2])
queue = storage.open()
with storage.register(slots=1) as presence:
    print("ready", flush=True)
    sys.stdin.readline()
    seen = None
    while claim := queue.claim(Terms(worker=presence.id)):
        queue.finish(claim, Answered(record={}, tokens=2))
        seen = queue.observe(seen)
"""
    workers = [run(program) for _ in range(3)]
    assert [worker.read() for worker in workers] == ["ready"] * 3

    for worker in workers:
        worker.say()
    for worker in workers:
        worker.lines()

    told = queue._database.run("SELECT sum(completed) AS completed, sum(tokens) AS tokens FROM minutes")
    assert [tuple(row) for row in told] == [(60, 120)]


def test_what_is_told_costs_the_same_however_much_is_stored(queue, ask, answer, clock):
    def steps():
        taken = []
        sqlite = queue._database.files.sqlite
        sqlite.set_progress_handler(lambda: taken.append(1), 100)
        queue.history(60)
        queue.observe()
        sqlite.set_progress_handler(None, 0)
        return len(taken)

    for _ in range(60):
        answer()
        clock.advance(60)
    ask()
    few = steps()
    for _ in range(300):
        ask()
    for _ in range(300):
        answer()

    assert steps() <= few * 1.2 + 2


def test_the_hour_before_the_table_was_made_is_told_from_the_prompts(queue, answer, ask, begin, clock, open_queue):
    answer(9)
    clock.advance(HOUR)
    answer(2)
    queue.cancel(ask())
    clock.advance(60)
    answer(3)
    queue._database.files.execute("DROP TABLE minutes")
    for statement in schema.migrations()[7]:
        queue._database.files.execute(statement)

    told = open_queue().history(60)

    assert [(each.completed, each.tokens) for each in told[-3:]] == [(0, 0), (1, 2), (1, 3)]
    assert sum(each.completed for each in told) == 2
