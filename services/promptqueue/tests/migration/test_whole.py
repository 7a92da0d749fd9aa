"""A queue that was moved is the queue that it was, on whichever engine, and there and back nothing differs."""

from dataclasses import replace

import pytest
from promptqueue.prompt import Answered, Idempotency, NewPrompt, Status, Terms
from promptqueue.settings import without_secrets
from promptqueue.storage import is_postgres

from services.promptqueue.tests.postgres.backend import PostgresBackend
from services.promptqueue.tests.sqlite.backend import SQLiteBackend

BOTH_WAYS = [("sqlite", "postgres"), ("postgres", "sqlite")]
WAYS = [*BOTH_WAYS, ("sqlite", "sqlite"), ("postgres", "postgres")]


def check(url, queue):
    (PostgresBackend() if is_postgres(url) else SQLiteBackend()).check(queue)


def prompts_of(queue):
    """All prompts of a queue, the last first."""
    found, page = [], queue.newest(limit=1_000)
    found += page.prompts
    while page.next is not None:
        page = queue.newest(limit=1_000, before=page.next)
        found += page.prompts
    return found


def texts_of(queue, prompt_id):
    origin = queue.origin(prompt_id)
    return (
        queue.request(prompt_id),
        queue.answer(prompt_id),
        queue.text(prompt_id),
        origin and (origin.face, origin.echo, origin.holder),
    )


def back_in_line(prompt):
    """What a prompt that runs is to become."""
    if prompt.status is not Status.PROCESSING:
        return prompt
    return replace(prompt, status=Status.QUEUED, tokens=None, started_at=None)


def of_nobody(texts):
    *rest, origin = texts
    return (*rest, origin and (*origin[:2], None))


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_every_prompt_stands_where_it_stood_and_texts_are_what_they_were(
    lived_in, place, moved, opened, source, target
):
    there, here = lived_in(source), place(target)
    with opened(there) as queue:
        before = prompts_of(queue)
        texts = {prompt.id: texts_of(queue, prompt.id) for prompt in before[::4]}

    moved(there, here)

    with opened(here) as queue:
        assert prompts_of(queue) == [back_in_line(prompt) for prompt in before]
        assert {prompt_id: texts_of(queue, prompt_id) for prompt_id in texts} == {
            prompt_id: of_nobody(each) for prompt_id, each in texts.items()
        }
        check(here, queue)


@pytest.mark.parametrize(("source", "target"), BOTH_WAYS)
def test_what_is_known_beside_the_prompts_is_what_it_was(lived_in, place, moved, opened, source, target):
    def beside(queue):
        model, facts = queue.model(), queue.facts()
        return {
            "owners": queue.owners(),
            "keys": queue.keyring(),
            "keys_version": queue.keys_version(),
            "usage": queue.usage(),
            "measures": queue.measures(),
            "secret": queue.secret(),
            "deeds": [(deed.number, deed.at, deed.who, deed.what, deed.to) for deed in queue.deeds(limit=100)],
            "model": model,
            "facts": facts,
            "paused": queue.counts().paused,
            "completed": queue.counts().completed,
            "queued": queue.counts().queued + queue.counts().processing,
            "stored": {each.number: queue.holdings(each.number).stored_bytes for each in queue.owners()},
            "history": [(each.start, each.completed, each.failed, each.tokens) for each in queue.history(60)],
            "moves": queue.moves() + queue.counts().processing,
        }

    there, here = lived_in(source), place(target)
    with opened(there) as queue:
        before = beside(queue)

    moved(there, here)

    with opened(here) as queue:
        after = beside(queue)
    assert after["deeds"].pop(0)[2:] == ("command line", "queue moved here", without_secrets(there))
    assert after == before


def test_there_and_back_each_table_has_the_same_digest(lived_in, place, moved):
    here, there, back = lived_in("sqlite"), place("postgres"), place("sqlite")

    first, second = moved(here, there), moved(there, back)

    differing = {name for name, digest in first["tables"].items() if digest != second["tables"][name]}
    assert first["tables"]["prompts"]["rows"] > 1_500
    assert first["tables"]["partials"]["rows"] > 100
    assert differing == {"audit"}  # where it was written that the queue had been moved


@pytest.mark.parametrize(("source", "target"), BOTH_WAYS)
def test_what_was_sent_with_a_key_before_is_known_afterwards(place, moved, opened, source, target):
    there, here = place(source), place(target)
    new = NewPrompt(request={"prompt": "Why?"}, idempotency=Idempotency(key="mine", fingerprint="print"))
    with opened(there) as queue:
        [first] = queue.enqueue(new)

    moved(there, here)

    with opened(here) as queue:
        [again] = queue.enqueue(new)
    assert (again.replayed, again.prompt.id) == (True, first.prompt.id)


@pytest.mark.parametrize(("source", "target"), BOTH_WAYS)
def test_turns_come_as_they_would_have_come(lived_in, place, moved, opened, source, target):
    there, here = lived_in(source), place(target)
    moved(there, here)

    def claimed(url):
        with opened(url) as queue:
            queue.pause(False)
            ids = [prompt.id for prompt in queue.newest(limit=1_000, status=Status.QUEUED).prompts]
            places = {each.prompt.id: each.position for each in queue.progress_of(ids)}
            terms, order = Terms(worker="nobody"), []
            while claim := queue.claim(terms):
                order.append(claim.prompt.id)
                if len(order) % 2:
                    queue.finish(claim, Answered(record={"response": "Yes."}, tokens=1))
            return places, order

    again = place(source)
    moved(here, again)
    places, order = claimed(here)
    assert len(order) == len(places) > 300
    assert claimed(again) == (places, order)
