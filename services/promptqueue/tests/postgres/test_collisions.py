"""Transactions that meet: none waits for another that waits for it, or it is known that nothing was changed."""

import threading

import pytest
from promptqueue.errors import Collided
from promptqueue.prompt import NewPrompt, Origin
from support.waiting import DEADLINE, until

HELD = Origin(face="ollama.chat", echo={}, fingerprint="f", holder="somebody")


@pytest.fixture
def beside(open_storage, ask_server):
    """Have another process do something, until it waits for a lock; what is returned waits for its end."""

    def beside(verb):
        other = open_storage().open()
        trouble = []

        def run():
            try:
                verb(other)
            except Exception as error:  # noqa: BLE001 (whatever it met is what is tested)
                trouble.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        until(lambda: ask_server("SELECT FROM pg_locks WHERE NOT granted"))

        def end():
            thread.join(DEADLINE)
            return trouble

        return end

    return beside


def test_who_lets_a_call_go_and_cancels_and_who_deletes_do_not_wait_for_each_other(queue, ask, beside):
    prompt_id = ask(origin=HELD)

    with queue.transaction():
        queue.let_go(prompt_id)
        end = beside(lambda other: other.delete(prompt_id))
        queue.cancel(prompt_id)

    assert end() == []
    assert queue.newest().prompts == []


def test_of_two_that_wait_for_each_other_one_hears_that_nothing_was_changed(queue, another, beside):
    first, second = (each.prompt.id for each in queue.enqueue(*[NewPrompt(request={})] * 2))

    def cancel_both_the_other_way_round(other):
        with other.transaction():
            other.cancel(second)
            other.cancel(first)

    def cancel_both():
        with queue.transaction():
            queue.cancel(first)
            ends.append(beside(cancel_both_the_other_way_round))
            queue.cancel(second)

    ends, trouble = [], []
    try:
        cancel_both()
    except Collided as collided:
        trouble.append(collided)
    trouble += ends[0]()

    assert [type(each) for each in trouble] == [Collided]
    assert [another.get(each).outcome for each in (first, second)] == ["cancelled"] * 2
