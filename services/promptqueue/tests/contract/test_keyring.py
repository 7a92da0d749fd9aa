"""add_key, revoke_key, drop_keys, keyring, keys_version and note_use: by which keys owners are known."""

import pytest
from promptqueue.errors import KeyNotFound, OwnerRefused
from promptqueue.owners.key import Role, digest_of, new_key


@pytest.fixture
def add(queue):
    """Add a key; what was made of it."""
    return lambda owner="anna", role=Role.USER, **values: queue.add_key(new_key(), owner=owner, role=role, **values)


def test_a_key_is_found_by_its_digest_and_says_whose_it_is(queue, clock):
    new = new_key()

    made = queue.add_key(new, owner="anna", role=Role.ADMIN, expires_at=clock.wall() + 5)

    assert queue.keyring() == [(digest_of(new.secret), made)]
    assert (made.name, made.owner.name, made.role) == (new.name, "anna", Role.ADMIN)
    assert (made.created_at, made.expires_at) == (clock.wall(), clock.wall() + 5)
    assert (made.revoked_at, made.used_at) == (None, None)


def test_an_owner_may_have_many_keys_and_is_still_one(queue, add, clock):
    made = []
    for owner, role in [("anna", Role.USER), ("anna", Role.METRICS), ("ben", Role.USER)]:
        made.append(add(owner, role))
        clock.advance(1)

    first, second, other = made
    assert first.owner == second.owner != other.owner
    assert [key for _, key in queue.keyring()] == made


@pytest.mark.parametrize("name", ["everybody", "pages", "Pages", "", "a b", "a\n", "\x1b[2J", "é", "-a", "a" * 65])
def test_whoever_comes_without_a_key_and_what_is_no_name_can_have_none(queue, add, name):
    with pytest.raises(OwnerRefused):
        add(name)

    assert (queue.keyring(), len(queue.owners())) == ([], 2)


@pytest.mark.parametrize("name", ["a", "anna@example.org", "team-7_b.c+d", "0", "a" * 64])
def test_an_owner_can_be_called_as_people_and_programs_are(add, name):
    assert add(name).owner.name == name


def test_a_revoked_key_stays_known_as_revoked_since_the_first_time(queue, add, clock):
    key = add()
    clock.advance(60)
    at = clock.wall()

    first = queue.revoke_key(key.name)
    clock.advance(60)
    second = queue.revoke_key(key.name)

    assert first == second
    assert (key.holds(at), first.revoked_at, first.holds(at)) == (True, at, False)
    assert [each for _, each in queue.keyring()] == [first]


def test_nobody_revokes_a_key_that_there_is_not(queue, add):
    add()

    with pytest.raises(KeyNotFound):
        queue.revoke_key("00000000")


def test_forgotten_keys_are_gone_and_their_owners_are_not(queue, add):
    owner = add().owner
    add("ben")

    assert queue.drop_keys() == 2
    assert queue.keyring() == []
    assert owner in queue.owners()
    assert queue.drop_keys() == 0


def test_the_version_moves_with_whatever_those_who_know_the_keys_must_read_again(queue, another, add):
    seen = [queue.keys_version()]
    key = add()
    changes = [
        lambda: queue.revoke_key(key.name),
        lambda: queue.limit_owner("anna", {"streams": 1}),
        lambda: queue.limit_owner("anna", {}, weight=2),
        add,
        queue.drop_keys,
    ]

    for change in changes:
        seen.append(another.keys_version())
        change()
    seen.append(another.keys_version())

    assert seen == sorted(set(seen))


def test_limits_are_told_with_each_key_of_the_owner(queue, add):
    add()

    queue.limit_owner("anna", {"waiting": 7})

    [(_, key)] = queue.keyring()
    assert key.owner.limits.waiting == 7


def test_use_is_known_to_the_hour_and_moves_no_version(queue, add, clock):
    used, unused = add(), add()
    before = queue.keys_version()
    clock.advance(1_000)

    queue.note_use([used.name, "00000000"])
    queue.note_use([])
    noted = {key.name: key.used_at for _, key in queue.keyring()}

    assert noted == {used.name: clock.wall() // 3600 * 3600, unused.name: None}
    clock.advance(3_600)
    queue.note_use([used.name])
    assert {key.name: key.used_at for _, key in queue.keyring()}[used.name] == clock.wall() // 3600 * 3600
    assert queue.keys_version() == before
