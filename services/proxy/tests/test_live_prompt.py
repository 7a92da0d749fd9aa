"""A live prompt puts together what it hears and what it reads, whatever gets lost, comes twice or late."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from promptqueue.notes import Text
from promptqueue.prompt import Priority, Progress, Prompt, Status
from proxy.live.live_prompt import LivePrompt

ID = "7d444840-9dc0-41d1-b245-5ffdce74fad2"
WORDS = [f"{number} " for number in range(30)]
WHOLE = "".join(WORDS)
OFFSETS = [len("".join(WORDS[:number])) for number in range(len(WORDS))]


def progress(status=Status.PROCESSING, *, attempt=1, stored=(0, 0)):
    prompt = Prompt(
        id=ID, status=status, outcome=None, priority=Priority.INTERACTIVE, attempt=attempt, failures=0, tokens=0,
        created_at=0.0, started_at=0.0, completed_at=None, expires_at=None, error=None, metadata=None, timeout=None,
        overdue=False,
    )  # fmt: skip
    return Progress(prompt=prompt, position=None, text_attempt=stored[0], text_length=stored[1])


@pytest.fixture
def live():
    live = LivePrompt()
    live.look(progress(), None)
    return live


def word(number):
    return Text(ID, 1, OFFSETS[number], WORDS[number])


@given(st.lists(st.one_of(st.integers(0, len(WORDS) - 1), st.floats(0, 1)), max_size=60))
def test_what_is_known_is_always_a_beginning_of_the_text_and_never_less_than_before(steps):
    """A number is a word that is heard, in any order; a fraction is how much the database has by then."""
    live, known, stored = LivePrompt(), "", 0
    live.look(progress(), None)
    for step in steps:
        if isinstance(step, int):
            live.hear(word(step))
        else:
            stored = max(stored, round(step * len(WHOLE)))
            seen = progress(stored=(1, stored))
            if live.lacks_text(seen):
                live.read(Text(ID, 1, 0, WHOLE[:stored]))
            live.look(seen, None)
            assert len(live.snapshot.text) >= stored
        assert WHOLE.startswith(live.snapshot.text)
        assert live.snapshot.text.startswith(known)
        known = live.snapshot.text


def test_of_text_that_waits_for_what_was_lost_the_first_piece_alone_asks_for_a_look(live):
    asked = [live.hear(word(number)) for number in (0, 2, 3, 4)]

    assert asked == [False, True, False, False]
    assert live.snapshot.text == WORDS[0]


def test_text_of_an_unknown_attempt_asks_for_a_look_and_is_not_known_before(live):
    asked = live.hear(Text(ID, 2, 0, "new"))
    before = live.snapshot.text
    live.look(progress(attempt=2), None)

    assert (asked, before) == (True, "")
    assert (live.snapshot.attempt, live.snapshot.text) == (2, "new")


def test_late_text_of_an_older_attempt_is_dropped(live):
    live.look(progress(attempt=2), None)
    live.hear(Text(ID, 2, 0, "new"))

    live.hear(Text(ID, 1, 0, "old"))

    assert (live.snapshot.attempt, live.snapshot.text) == (2, "new")


def test_nothing_is_heard_after_the_end(live):
    live.look(progress(Status.COMPLETED), None)

    assert live.hear(word(0)) is False
    assert live.snapshot.text == ""


def test_a_look_that_shows_nothing_new_is_no_news(live):
    first = live.look(dataclasses.replace(progress(Status.QUEUED), position=3), 4.0)
    same = live.look(dataclasses.replace(progress(Status.QUEUED), position=3), 3.0)
    moved = live.look(dataclasses.replace(progress(Status.QUEUED), position=2), 3.0)

    assert (first, same, moved) == (True, False, True)
