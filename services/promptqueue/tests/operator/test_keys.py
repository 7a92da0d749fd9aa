"""keys add, list, revoke, limit and open; owners."""

import json
import re

import pytest
from promptqueue.owners.key import Role, digest_of, new_key
from promptqueue.owners.owner import Limits

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgres"])


@pytest.fixture
def key(queue):
    return queue.add_key(new_key(), owner="anna", role=Role.USER)


@pytest.fixture
def anna(queue):
    """What the queue knows of her."""
    return lambda: next(owner for owner in queue.owners() if owner.name == "anna")


def test_the_secret_is_all_that_stdout_gets_and_the_words_about_it_go_beside_it(operate, queue):
    first, second = operate("keys add anna"), operate("keys add ben --role admin")

    [(digest, key), _] = queue.keyring()
    assert re.fullmatch(rf"opx_{key.name}_[\w-]{{43}}\n", first.out)
    assert digest_of(first.out.strip()) == digest
    assert f"The key {key.name} of anna, user. It is shown this once:\n" in first.err
    assert "from now on nobody is served without a key" in first.err
    assert "from now on" not in second.err
    assert "of ben, admin" in second.err


def test_a_key_is_good_for_as_long_as_it_was_said_to_be(operate, queue):
    made = operate("keys add anna --expires 90d --json").json

    [(digest, key)] = queue.keyring()
    assert digest_of(made["key"]) == digest
    assert key.expires_at - key.created_at == pytest.approx(90 * 86_400, abs=60)
    assert (made["name"], made["owner"], made["role"], made["is"]) == (key.name, "anna", "user", "good")


@pytest.mark.parametrize("life", ["0s", "5001w", "999999999w"])
def test_a_key_that_is_good_never_or_for_longer_than_a_calendar_is_not_made(operate, queue, life):
    refused = operate(f"keys add anna --expires {life}")

    assert (refused.code, refused.out, queue.keyring()) == (2, "", [])
    assert "is not the life of a key" in refused.err


@pytest.mark.parametrize("name", ["everybody", "pages", "'a b'", "''"])
def test_what_is_no_owners_name_gets_no_key_and_leaves_no_trace(operate, queue, name):
    refused = operate(f"keys add {name}")

    assert (refused.code, refused.out) == (1, "")
    assert "name" in refused.err
    assert (queue.keyring(), queue.deeds(limit=1)) == ([], [])


def test_the_list_says_of_each_key_whose_it_is_and_whether_it_is_good_and_nothing_of_its_secret(operate, queue, clock):
    secrets = [new_key() for _ in range(3)]
    for new, owner in zip(secrets, ["anna", "ben", "eve"], strict=True):
        queue.add_key(new, owner=owner, role=Role.USER, expires_at=None if owner != "eve" else clock.wall() + 1)
    queue.revoke_key(secrets[1].name)
    queue.note_use([secrets[0].name])

    people, script = operate("keys list"), operate("keys list --json")

    listed = {key["owner"]: key["is"] for key in script.json["keys"]}
    assert listed == {"anna": "good", "ben": "revoked", "eve": "expired"}  # by this process's clock, years later
    assert [key["used_at"] is not None for key in script.json["keys"] if key["owner"] == "anna"] == [True]
    assert len(people.out.splitlines()) == 4
    assert "expired since " in people.out
    for new in secrets:
        assert new.name in people.out
        assert new.secret not in people.out + script.out
        assert new.digest not in people.out + script.out


def test_without_keys_the_list_says_what_that_means(operate, queue):
    assert operate("keys list").out == "No keys: whoever reaches the proxy is served.\n"


def test_revoke_goes_on_past_a_key_that_there_is_not_and_says_so(operate, queue, key):
    done = operate(f"keys revoke 00000000 {key.name} --json")

    assert (done.code, done.json["not_found"]) == (1, ["00000000"])
    assert done.err == "Error: No key has the name 00000000; python -m promptqueue keys list lists them.\n"
    assert [each.revoked_at is None for _, each in queue.keyring()] == [False]


def test_a_key_can_be_revoked_by_the_whole_of_it_and_no_secret_is_repeated(operate, queue):
    new, other = new_key(), new_key()
    queue.add_key(new, owner="anna", role=Role.USER)

    done, unknown = operate(f"keys revoke {new.secret}"), operate(f"keys revoke {other.secret}")

    assert (done.code, done.out) == (0, f"{new.name} of anna  revoked\n")
    assert [each.revoked_at is None for _, each in queue.keyring()] == [False]
    assert other.name in unknown.err
    assert other.secret not in unknown.out + unknown.err


def test_what_is_not_named_of_an_owners_limits_stays_and_default_takes_back(operate, key, anna):
    operate("keys limit anna --waiting 5 --streams 2 --requests-a-second 0.5 --weight 2")
    changed = operate("keys limit anna --waiting default --stored-bytes 268435456 --json")

    assert anna().limits == Limits(streams=2, requests_a_second=0.5, stored_bytes=268_435_456)
    assert anna().weight == 2
    assert changed.json["limits"]["stored_bytes"] == 268_435_456
    assert operate("keys limit anna").out == (
        "anna: weight 2, stored bytes 268,435,456, streams 2, requests a second 0.5.\n"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        *("--waiting -1", "--waiting many", "--tokens-a-day 1.5", "--depth 1"),
        *("--weight 0", "--weight 1e-300", "--weight nan", "--requests-a-second 0", "--requests-a-second nan"),
    ],
)
def test_what_is_no_limit_is_not_understood(operate, key, anna, wrong):
    before = anna()

    assert operate(f"keys limit anna {wrong}").code == 2
    assert anna() == before


def test_limits_of_nobody_are_refused(operate, queue):
    done = operate("keys limit nobody --waiting 5")

    assert (done.code, done.err) == (
        1,
        "Error: No owner has the name nobody; python -m promptqueue owners lists them.\n",
    )


def test_whoever_opens_the_queue_again_is_asked_back_once(on_terminal, queue, key):
    refused, code = on_terminal("keys open", "n")
    kept = len(queue.keyring())
    agreed, _ = on_terminal("keys open", "y")
    nothing_left, _ = on_terminal("keys open")

    assert "Forget 1 key for good, and serve whoever reaches the proxy? [y/N]" in refused
    assert (code, kept) == (1, 1)
    assert "1 key forgotten: whoever reaches the proxy is served." in agreed
    assert "[y/N]" not in nothing_left
    assert queue.keyring() == []


def test_owners_are_listed_with_their_good_keys_what_they_have_and_what_was_said_of_them(
    operate, queue, ask, key, clock
):
    queue.revoke_key(queue.add_key(new_key(), owner="anna", role=Role.USER).name)
    queue.add_key(new_key(), owner="anna", role=Role.USER, expires_at=clock.wall() + 1)  # over by now, see above
    queue.limit_owner("anna", {"waiting": 5})
    ask("x" * 400_000, owner=key.owner.number)

    people, script = operate("owners"), operate("owners --json")

    assert " ".join(people.out.splitlines()[-1].split()) == "anna 1 1 0 0.4 MB 0 weight 1, waiting 5"
    assert [(each["owner"], each["weight"], each["keys"], each["waiting"]) for each in script.json["owners"]] == [
        ("everybody", 3, 0, 0),
        ("pages", 1, 0, 0),
        ("anna", 1, 1, 1),
    ]


def test_what_is_printed_can_be_kept_in_a_variable_by_a_script(operate, queue):
    made = operate("keys add anna --json")

    assert made.err == ""
    assert json.loads(made.out)["key"].startswith("opx_")
