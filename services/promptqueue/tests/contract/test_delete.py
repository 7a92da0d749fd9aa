"""delete: found nowhere any more, whatever it was doing."""

import pytest
from promptqueue.errors import PromptNotFound


@pytest.mark.parametrize("when", ["queued", "processing", "completed"])
def test_a_deleted_prompt_is_found_nowhere(queue, ask, terms, answered, when):
    prompt_id = ask()
    claim = queue.claim(terms) if when != "queued" else None
    if when == "completed":
        queue.finish(claim, answered)

    queue.delete(prompt_id)

    for verb in (queue.get, queue.request, queue.answer, queue.cancel, queue.settle, queue.delete):
        with pytest.raises(PromptNotFound):
            verb(prompt_id)
    assert (queue.position(prompt_id), queue.partial(prompt_id), queue.newest().prompts) == (None, "", [])
    counts = queue.counts()
    assert (counts.queued, counts.processing, counts.completed) == (0, 0, 0)


def test_the_others_keep_their_order(queue, ask, terms):
    first, gone, last = ask(), ask(), ask()

    queue.delete(gone)

    assert [queue.position(first), queue.position(last)] == [1, 2]
    assert [queue.claim(terms).prompt.id, queue.claim(terms).prompt.id] == [first, last]


def test_the_place_of_a_deleted_prompt_is_not_given_again(queue, ask):
    first, last = ask(), ask()
    queue.delete(last)

    newcomer = ask()

    assert [queue.position(first), queue.position(last), queue.position(newcomer)] == [1, None, 2]


def test_an_unknown_prompt_cannot_be_deleted(queue, unknown):
    with pytest.raises(PromptNotFound):
        queue.delete(unknown)
