"""Storage: what a process opens, and what each of its threads has of it."""

import threading

import pytest
from promptqueue.queue import PromptQueue
from promptqueue.storage import Storage


@pytest.mark.parametrize("contract", [Storage, PromptQueue])
def test_it_has_everything_that_the_contract_names(storage, queue, contract):
    kept = storage if contract is Storage else queue
    names = {name for name in vars(contract) if not name.startswith("_")}

    assert len(names) > 5
    assert [name for name in names if not hasattr(kept, name)] == []


def test_what_one_instance_accepted_another_finds(storage, queue, ask):
    prompt_id = ask("hello")
    queue.close()

    assert storage.open().request(prompt_id) == {"prompt": "hello"}


def test_an_instance_may_be_opened_by_one_thread_and_serve_another(queue, ask):
    ids = []

    serving = threading.Thread(target=lambda: ids.append(ask()))
    serving.start()
    serving.join(10)

    assert queue.position(ids[0]) == 1


def test_it_says_of_itself_what_it_is_in_words(storage, queue):
    told = storage.describe()

    assert told["kind"]
    assert all(isinstance(word, str) for word in (*told, *told.values()))
    assert storage.reads_wait in (True, False)


def test_tidying_changes_nothing_and_can_be_done_again_and_again(storage, queue, begin, answered):
    claim = begin(text="Why?")

    storage.tidy()
    queue.finish(claim, answered)
    storage.tidy()
    storage.tidy()

    assert queue.request(claim.prompt.id) == {"prompt": "Why?"}
    assert queue.answer(claim.prompt.id) == answered.record


def test_a_queue_that_is_there_answers(queue):
    queue.ping()


def test_its_room_grows_with_what_is_stored_and_is_given_back_in_steps(backend, queue, ask):
    before = queue.room()
    prompt_id = ask("x" * 50_000)
    with_text = queue.room()
    queue.delete(prompt_id)
    while queue.compact():
        pass
    after = queue.room()

    assert with_text.stored_bytes - before.stored_bytes in range(45_000, 60_000)
    assert after.stored_bytes < with_text.stored_bytes - 45_000
    assert after.spare_bytes == 0
    assert bool(after.disk_free_bytes) is backend.knows_its_disk
