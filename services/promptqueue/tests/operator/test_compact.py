"""compact: the room of what was erased goes back to the disk, while others go on."""

import pytest
from promptqueue.prompt import NewPrompt
from promptqueue.sqlite.file import schema
from promptqueue.sqlite.file.engine import sqlite3


@pytest.fixture
def length(tmp_path):
    return lambda: (tmp_path / "queue.db").stat().st_size


@pytest.fixture
def fill_and_erase(queue, storage):
    """Let long texts be stored and erased; one prompt stays."""

    def do():
        accepted = queue.enqueue(*(NewPrompt(request={"prompt": "x" * 500_000}) for _ in range(10)))
        kept = queue.enqueue(NewPrompt(request={"prompt": "kept"}))[0].prompt.id
        for one in accepted:
            queue.delete(one.prompt.id)
        storage.tidy()
        return kept

    return do


@pytest.fixture
def of_an_older_version(tmp_path, journal):
    """A queue's file as the first release made it."""
    with sqlite3.connect(tmp_path / "queue.db") as first_release:
        for statements in schema.migrations()[:3]:
            first_release.executescript("".join(statements))
        first_release.execute("PRAGMA user_version = 3")
    first_release.close()


def test_the_file_shrinks_while_others_go_on_and_both_sizes_are_told(operate, queue, fill_and_erase, length):
    kept, before = fill_and_erase(), length()

    people = operate("compact")
    queue.enqueue(NewPrompt(request={"prompt": "next"}))

    assert people.code == 0
    assert before > 5_000_000
    assert length() < 500_000
    assert people.out.startswith(f"The queue's file went from {before / 1e6:.1f} MB to 0.")
    assert queue.request(kept) == {"prompt": "kept"}


def test_scripts_are_told_in_bytes(operate, queue, fill_and_erase, length):
    fill_and_erase()
    before = length()

    told = operate("compact --json").json

    assert (told["bytes_before"], told["bytes_after"], told["spare_bytes"]) == (before, length(), 0)
    assert told["stored_bytes"] == length()


def test_there_may_be_nothing_to_give_back(operate, queue, ask, length):
    ask()
    operate("compact")
    before = length()

    assert operate("compact").code == 0
    assert length() == before


def test_the_file_of_an_older_version_is_written_anew_once(operate, of_an_older_version, queue, fill_and_erase, length):
    kept = fill_and_erase()

    done = operate("compact")
    fill_and_erase()
    again = operate("compact --json").json

    assert (done.code, done.err) == (0, "")
    assert again["bytes_after"] < 500_000 < again["bytes_before"]
    assert queue.request(kept) == {"prompt": "kept"}


def test_before_others_have_to_wait_a_person_is_asked(on_terminal, of_an_older_version, fill_and_erase, length):
    fill_and_erase()
    before = length()

    refused = on_terminal("compact", "n")
    left = length()
    agreed = on_terminal("compact", "y")

    assert "Nobody else can write for as long as writing 0." in refused[0]
    assert (refused[1], left) == (1, before)
    assert agreed[1] == 0
    assert length() < 500_000


def test_a_text_that_was_erased_is_said_to_be(operate, queue, ask, clock):
    prompt_id = queue.cancel(ask("SECRET")).id
    clock.advance(3_600)
    queue.erase_unrun(older_than=60)

    shown = operate(f"show {prompt_id} --text")

    assert shown.out.endswith("\n\nprompt\nIt never ran, and its text was erased.\n")
    assert operate(f"show {prompt_id} --text --json").json["request"] is None
