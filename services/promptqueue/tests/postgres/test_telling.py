"""Notifications: what was committed is heard everywhere, live text goes together, and no commit needs them."""

import pytest
from promptqueue.notes import Changed, Scope, Text, Written
from promptqueue.postgres.server import payload

ID = "7d444840-9dc0-11d1-b245-5ffdce74fad2"
PAUSE = "UPDATE control SET paused = true"


@pytest.fixture
def database(queue):
    return queue._database


@pytest.fixture
def everything(listener):
    with listener.subscribe(Scope.EVERYTHING) as subscription:
        yield subscription


def test_nothing_is_told_of_what_was_rolled_back(queue, database, everything, until_heard):
    def fail():
        with queue.transaction():
            database.run(PAUSE)
            database.changed(ID)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    database.changed("another")

    assert until_heard(everything, 1) == [Changed("another")]


def test_what_is_told_inside_a_transaction_is_heard_once_after_it(queue, database, everything, until_heard):
    with queue.transaction():
        database.run(PAUSE)
        database.changed(ID)
        database.written(ID)
        before = everything.wait(0.05)

    assert (before, until_heard(everything, 1), everything.wait(0.05)) == ([], [Changed(ID)], [])


def test_more_prompts_than_a_notification_holds_are_told_as_any():
    ids = [f"{number:036}" for number in range(500)]

    assert payload.notes(payload.of_ids("changed", ids[:100])) == [Changed(each) for each in ids[:100]]
    assert payload.notes(payload.of_ids("changed", ids)) == [Changed(None)]


def test_live_text_of_many_prompts_travels_in_as_few_notifications_as_it_fits():
    texts = [Text(f"{number:036}", 1, 7, "é\0\n" * 20) for number in range(200)]

    messages = list(payload.of_texts(texts))

    assert [note for message in messages for note in payload.notes(message)] == texts
    assert all(len(message.encode()) <= payload.LARGEST for message in messages)
    assert len(messages) < len(texts) / 10


def test_text_too_long_for_a_notification_is_left_to_the_record():
    short = Text(ID, 1, 0, "hi")

    assert [payload.notes(each) for each in payload.of_texts([Text(ID, 1, 0, "x" * 8_000), short])] == [[short]]


@pytest.mark.parametrize(
    "message",
    [
        "",
        "x",
        "[]",
        '{"texts": [["a", 0, 0, "b"]]}',
        '{"texts": [[]]}',
        '{"changed": [1]}',
        '{"later": 1}',
        "[" * 7_000,
    ],
)
def test_what_cannot_be_read_means_that_anything_may_have_changed(message):
    assert payload.notes(message) == [Changed(None)]


def test_what_follows_at_once_goes_together_and_nothing_is_heard_twice(database, everything, until_heard):
    for offset, letter in enumerate("Rayleigh"):
        database.stream(Text(ID, 1, offset, letter))

    heard = []
    while "".join(note.text for note in heard) != "Rayleigh":
        heard += until_heard(everything, 1)

    assert [note.offset for note in heard] == [sum(len(each.text) for each in heard[:n]) for n in range(len(heard))]


def test_a_listener_that_lost_its_server_listens_again_and_says_that_it_missed_something(
    database, everything, ask_server, until_heard
):
    ask_server("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^LISTEN'")
    assert until_heard(everything, 1) == [Changed(None)]

    database.written(ID)

    assert until_heard(everything, 1) == [Written(ID)]


def test_a_commit_stands_though_nobody_can_be_told_of_it(queue, database, monkeypatch):
    monkeypatch.setattr(
        "promptqueue.postgres.server.telling.NOTIFY", "SELECT no_such_function(%(channel)s, %(message)s)"
    )

    with queue.transaction():
        database.run(PAUSE)
        database.changed(ID)

    assert database.run("SELECT paused FROM control") == [{"paused": True}]


def test_pieces_of_text_that_do_not_follow_each_other_are_all_heard(database, everything, until_heard):
    for offset, text in [(0, "one "), (0, "one "), (2, "e two")]:
        database.stream(Text("a", 1, offset, text))

    heard = until_heard(everything, 3)

    assert [(note.offset, note.text) for note in heard] == [(0, "one "), (0, "one "), (2, "e two")]
