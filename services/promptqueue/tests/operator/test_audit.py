"""audit: each command that changes who is served, or what is in the queue, leaves a deed."""

import pytest
from promptqueue.owners.deed import Deed
from promptqueue.owners.key import Role, new_key

pytestmark = pytest.mark.parametrize("engine", ["sqlite", "postgres"])


@pytest.fixture
def deeds(queue):
    return lambda: [(deed.who, deed.what, deed.to) for deed in queue.deeds(limit=100)]


@pytest.fixture
def key(queue):
    return queue.add_key(new_key(), owner="anna", role=Role.USER)


@pytest.mark.parametrize(
    ("line", "what", "to"),
    [
        ("keys revoke {key}", "key revoked", "{key} of anna"),
        ("keys limit anna --waiting 5", "limits changed", "anna"),
        ("keys open", "keys forgotten", "1 key"),
        ("pause", "paused", ""),
        ("resume", "resumed", ""),
        ("cancel {id}", "prompt cancelled", "{id}"),
        ("prune --older-than 7d", "prompts pruned", "1 prompt"),
    ],
)
def test_what_a_command_does_is_noted_once(operate, queue, ask, finish, deeds, key, line, what, to):
    finish()
    words = {"key": key.name, "id": ask()}

    operate(line.format(**words))

    assert deeds() == [("command line", what, to.format(**words))]


def test_a_key_that_was_made_is_noted_by_its_name_and_not_by_its_secret(operate, queue, deeds):
    secret = operate("keys add anna").out.strip()

    [(_, key)] = queue.keyring()
    assert deeds() == [("command line", "key made", f"{key.name} of anna")]
    assert secret not in operate("audit").out + operate("audit --json").out


@pytest.mark.parametrize(
    "line", ["keys list", "keys limit anna", "keys revoke 00000000", "prune --older-than 7d", "owners", "cancel {id}"]
)
def test_what_changes_nothing_is_not_noted(operate, queue, finish, clock, deeds, key, line):
    clock.step_wall(10 * 365 * 86_400)
    done = finish()

    operate(line.format(id=done))

    assert deeds() == []


def test_the_audit_is_read_from_the_last_deed_on_piece_by_piece(operate, queue):
    for number in range(5):
        queue.record(Deed(who="0a1b2c3d", what="paused", to=str(number)))

    first = operate("audit --limit 3 --json").json
    rest = operate(f"audit --limit 3 --before {first['next']} --json").json
    people = operate("audit --limit 3").out

    assert [deed["to"] for deed in first["deeds"]] == ["4", "3", "2"]
    assert ([deed["to"] for deed in rest["deeds"]], rest["next"]) == (["1", "0"], None)
    assert people.endswith(f"more: --before {first['next']}\n")


def test_what_is_in_the_audit_does_not_control_the_terminal(operate, queue):
    queue.record(Deed(who="\x1b[2Jx", what="\x1b]0;x\x07", to="\x1b[31m"))

    assert "\x1b" not in operate("audit").out


def test_an_empty_audit_says_so(operate, queue):
    assert operate("audit").out == "Nothing yet.\n"
