"""owners, belongs and limit_owner: whose a prompt is, and what its owner may have."""

import pytest
from promptqueue.errors import OwnerNotFound
from promptqueue.owners.key import Role, new_key
from promptqueue.owners.owner import EVERYBODY, PAGES, Limits, Owner


@pytest.fixture
def anna(queue):
    return queue.add_key(new_key(), owner="anna", role=Role.USER).owner


def test_whoever_comes_without_a_key_is_one_of_two_owners_and_everybody_weighs_three_times_as_much(queue):
    assert queue.owners() == [
        Owner(number=EVERYBODY, name="everybody", weight=3.0),
        Owner(number=PAGES, name="pages", weight=1.0),
    ]


def test_owners_are_listed_by_their_numbers_which_nobody_has_twice(queue, anna):
    ben = queue.add_key(new_key(), owner="ben", role=Role.USER).owner

    assert queue.owners()[2:] == [anna, ben]
    assert len({each.number for each in queue.owners()}) == 4


def test_a_prompt_belongs_to_its_owner_alone(queue, ask, anna):
    annas, everybodys = ask(owner=anna.number), ask()

    assert queue.belongs(annas, anna.number)
    assert queue.belongs(everybodys, EVERYBODY)
    assert not queue.belongs(annas, EVERYBODY)
    assert not queue.belongs(annas, PAGES)
    assert not queue.belongs(everybodys, anna.number)


def test_what_is_not_there_belongs_to_nobody(queue, ask, anna, unknown):
    nobodys_yet = [queue.belongs(unknown, owner) for owner in (EVERYBODY, PAGES, anna.number)]
    deleted = ask(owner=anna.number)
    ask(owner=anna.number)
    queue.delete(deleted)

    assert nobodys_yet == [False, False, False]
    assert not queue.belongs(deleted, anna.number)
    assert not queue.belongs(unknown, anna.number)
    assert not queue.belongs("", anna.number)


@pytest.mark.parametrize("verb", ["cancel", "claim", "retry"])
def test_whose_a_prompt_is_never_changes(queue, ask, anna, terms, verb):
    prompt_id = ask(owner=anna.number)

    queue.claim(terms) if verb == "claim" else queue.cancel(prompt_id)
    if verb == "retry":
        queue.retry(prompt_id)

    assert queue.belongs(prompt_id, anna.number)
    assert queue.get(prompt_id).owner == anna.number


def test_an_owners_limits_are_changed_one_by_one(queue, anna):
    queue.limit_owner("anna", {"waiting": 5, "requests_a_second": 0.5}, weight=2)
    limited = queue.limit_owner("anna", {"waiting": None, "tokens_a_day": 10_000})

    assert limited == Owner(
        number=anna.number, name="anna", weight=2.0, limits=Limits(requests_a_second=0.5, tokens_a_day=10_000)
    )
    assert queue.owners()[-1] == limited


def test_every_limit_is_kept(queue, anna):
    wanted = Limits(waiting=1, running=2, stored_bytes=3, streams=4, requests_a_second=5.5, tokens_a_day=6)

    queue.limit_owner("anna", {name: getattr(wanted, name) for name in Limits.__dataclass_fields__})

    assert queue.owners()[-1].limits == wanted


def test_an_unknown_owner_and_what_is_no_limit_and_no_weight_are_refused(queue, anna):
    with pytest.raises(OwnerNotFound):
        queue.limit_owner("ben", {"waiting": 1})
    with pytest.raises(ValueError, match="patience"):
        queue.limit_owner("anna", {"waiting": 1, "patience": 1})
    for weight in (0, 1e-300, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="weight"):
            queue.limit_owner("anna", {"waiting": 1}, weight=weight)

    assert queue.owners()[2:] == [anna]
