"""What erases or ends much for good is asked back once, where a person can answer."""

import pytest
from promptqueue.storage import connect


@pytest.mark.parametrize("answer", ["n", "", "what?\nn"])
def test_prune_erases_nothing_unless_the_person_agrees(on_terminal, queue, finish, answer):
    finish()

    shown, code = on_terminal("prune --older-than 7d", answer)

    assert "Erase 1 prompt completed more than 7.0 d ago, with what was asked and answered, for good? [y/N]" in shown
    assert "Nothing was done." in shown
    assert (code, queue.counts().completed) == (1, 1)


def test_prune_goes_on_once_the_person_agrees(on_terminal, queue, finish):
    finish()

    shown, code = on_terminal("prune --older-than 7d", "y")

    assert "1 prompt erased." in shown
    assert (code, queue.counts().completed) == (0, 0)


def test_what_would_erase_nothing_is_not_asked(on_terminal, queue):
    shown, code = on_terminal("prune --older-than 7d")

    assert "0 prompts erased." in shown
    assert code == 0


def test_whoever_says_yes_beforehand_is_not_asked(on_terminal, queue, finish, ask):
    finish()

    pruned = on_terminal("prune --older-than 7d --yes")
    cancelled = on_terminal(f"cancel {ask()} {ask()} -y")

    assert [pruned[1], cancelled[1], queue.counts().queued] == [0, 0, 0]
    assert "[y/N]" not in pruned[0] + cancelled[0]


def test_scripts_are_not_asked(operate, on_terminal, queue, finish, ask):
    finish()

    without_a_terminal = operate("prune --older-than 7d")
    with_json = on_terminal(f"cancel {ask()} {ask()} --json")

    assert (without_a_terminal.code, without_a_terminal.out) == (0, "1 prompt erased.\n")
    assert (with_json[1], queue.counts().queued) == (0, 0)


def test_one_prompt_is_cancelled_as_it_is_named_and_several_are_asked_back(on_terminal, queue, ask):
    one, two, three = ask(), ask(), ask()

    single = on_terminal(f"cancel {one}")
    refused = on_terminal(f"cancel {two} {three}", "n")

    assert single[1] == 0
    assert "[y/N]" not in single[0]
    assert "End 2 prompts for good? [y/N]" in refused[0]
    assert (refused[1], queue.counts().queued) == (1, 2)


def test_where_there_is_no_queue_none_is_replaced_and_nobody_asked(on_terminal, operate, queue, ask, tmp_path):
    ask()
    operate(f"backup {tmp_path}/copy")

    shown, code = on_terminal(f"restore {tmp_path}/copy --database-url sqlite:///{tmp_path}/new/queue.db")

    assert "Restored: 1 prompt in line" in shown
    assert code == 0


def test_a_queue_is_replaced_once_the_person_agrees(on_terminal, operate, queue, ask, url, tmp_path):
    ask()
    operate(f"backup {tmp_path}/copy")
    ask()
    queue.close()

    refused = on_terminal(f"restore {tmp_path}/copy", "n")
    kept = connect(url).open()
    before = kept.counts().queued
    kept.close()
    agreed = on_terminal(f"restore {tmp_path}/copy", "y")

    assert (
        f"Let {tmp_path}/copy take the place of the queue at {tmp_path}/queue.db? That one is kept beside it. [y/N]"
        in (refused[0].replace("\r\n", ""))
    )
    assert (refused[1], before) == (1, 2)
    assert agreed[1] == 0
    assert "Restored: 1 prompt in line" in agreed[0]
