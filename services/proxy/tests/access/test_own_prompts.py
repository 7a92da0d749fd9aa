"""No verb that takes an id does anything with somebody else's prompt, whichever protocol asks for it."""

from __future__ import annotations

import inspect

import pytest
from promptqueue.errors import PromptNotFound
from promptqueue.owners.key import Role
from promptqueue.prompt import NewPrompt
from proxy.app import parts
from proxy.live.held_requests import Held
from proxy.own_prompts import OwnPrompts
from proxy.serving.connection import Connection

WITH_AN_ID = sorted(
    name
    for name, verb in inspect.getmembers(OwnPrompts, inspect.isfunction)
    if "prompt_id" in inspect.signature(verb).parameters and not name.startswith("_")
)
OF_AN_ADMIN = {"cancel", "standing"}


@pytest.fixture
def asker(app, key):
    """Somebody with a key of this role."""

    def asker(owner, role):
        made = parts(app).gate.keyring.find(key(owner, role)["Authorization"].removeprefix("Bearer "))
        assert made
        return made

    return asker


@pytest.fixture
def run(app):
    """Let an asker run a verb."""

    def run(asker, verb, prompt_id):
        more = (lambda _: True, Held(0, asker, Connection({}))) if verb in ("hold", "standing") else ()
        return getattr(parts(app).own(asker), verb)(prompt_id, *more)

    return run


def accepted(queue, owner):
    [each] = queue.enqueue(NewPrompt(request={"prompt": "Why?"}, owner=owner))
    return each.prompt.id


def test_there_are_verbs_to_look_at():
    assert {"cancel", "retry", "delete", "progress", "request", "answer", "origin", "partial"} < set(WITH_AN_ID)


@pytest.mark.parametrize("verb", WITH_AN_ID)
@pytest.mark.parametrize("role", [Role.USER, Role.METRICS, Role.ADMIN])
def test_a_verb_finds_somebody_elses_prompt_only_where_an_admin_may(queue, asker, run, verb, role):
    anna, bob = asker("anna", Role.USER), asker("bob", role)
    prompt_id = accepted(queue, anna.owner.number)

    if role is Role.ADMIN and verb in OF_AN_ADMIN:
        run(bob, verb, prompt_id)
    else:
        with pytest.raises(PromptNotFound):
            run(bob, verb, prompt_id)
        assert queue.get(prompt_id).outcome is None


@pytest.mark.parametrize("verb", WITH_AN_ID)
def test_a_verb_finds_ones_own_prompt(queue, asker, run, verb):
    anna = asker("anna", Role.USER)

    run(anna, verb, accepted(queue, anna.owner.number))


def test_of_several_prompts_only_ones_own_are_found(app, queue, asker):
    anna, bob = asker("anna", Role.USER), asker("bob", Role.ADMIN)
    hers, his = accepted(queue, anna.owner.number), accepted(queue, bob.owner.number)

    found = parts(app).own(bob).progress_of([hers, his])

    assert [each.prompt.id for each in found] == [his]
