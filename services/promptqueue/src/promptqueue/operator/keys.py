"""The commands for keys, without which nobody is served once there is one: keys add, list, revoke, limit, open."""

import math
import time
from collections.abc import Mapping
from typing import Any

import click

from promptqueue.errors import KeyNotFound
from promptqueue.operator import text
from promptqueue.operator.audit import record
from promptqueue.operator.command import Call, InOrder, Reply, asks_back, command, commands
from promptqueue.operator.owners import limits_body, limits_words
from promptqueue.owners.deed import Act
from promptqueue.owners.key import Key, Role, name_in, new_key
from promptqueue.owners.owner import LEAST_WEIGHT, MOST_WEIGHT
from promptqueue.wire import moment

LONGEST_LIFE_WORDS = "5000w"
LONGEST_LIFE = 5_000 * text.SECONDS["w"]  # a hundred years, almost


@commands.group("keys", cls=InOrder, order=("add", "list", "revoke", "limit", "open"))
def keys() -> None:
    """Say who is served, and how much of it.

    As long as there is no key whoever reaches the proxy is served. From the first key on nobody is without one, and
    each owner sees what is its own alone. A change counts within two seconds, also for what is held and followed.
    """


class Lifetime(text.Age):
    """How long a key is good, in seconds: longer than a moment, and not so long that no calendar has its end."""

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it; anything else ends the program with a sentence and exit code 2."""
        age = super().convert(value, param, ctx)
        if not 0 < age <= LONGEST_LIFE:
            self.fail(
                f"{value!r} is not the life of a key: it has more than 0s, and {LONGEST_LIFE_WORDS} at most.",
                param,
                ctx,
            )
        return age


@command(
    ("let anna in", "keys add anna"),
    ("for ninety days", "keys add anna --expires 90d"),
    ("let a program read /metrics and nothing else", "keys add prometheus --role metrics"),
    ("let somebody pause, cancel and see what is used, but no text", "keys add ben --role admin"),
    of=keys,
)
@click.argument("owner")
@click.option(
    "--role",
    type=click.Choice([each.value for each in Role]),
    default=Role.USER.value,
    show_default=True,
    help="What for.",
)
@click.option("--expires", "age", type=Lifetime(), help="After how long it is good no more: 12h, 90d, 52w.")
def add(call: Call, owner: str, role: str, age: float | None) -> Reply:
    """Make a key for OWNER and print it, this once.

    Nothing but its digest is kept. An owner can have several: to change one, add another, and revoke the old when
    nobody uses it any more. Hand the key over by a safe way; it is sent as `Authorization: Bearer KEY`.
    """
    new = new_key()
    with call.queue() as queue:
        is_first = not queue.keyring()
        with queue.transaction():
            key = queue.add_key(
                new, owner=owner, role=Role(role), expires_at=None if age is None else time.time() + age
            )
            record(queue, Act.KEY_MADE, f"{key.name} of {owner}")
    until = "" if key.expires_at is None else f", good until {text.when(key.expires_at)}"
    call.note(f"The key {key.name} of {owner}, {key.role}{until}. It is shown this once:")
    if is_first:
        call.note("It is the first: from now on nobody is served without a key. `keys open` takes that back.")
    return Reply(document={**_body(key), "key": new.secret}, words=new.secret)


@command(("whose keys there are, and which are in use", "keys list"), of=keys)
def list_(call: Call) -> Reply:
    """List all keys, revoked and expired ones too.

    A key is called by the eight characters that stand after `opx_` in it.
    """
    with call.queue() as queue:
        found = [key for _, key in queue.keyring()]
    return Reply(
        document={"keys": [_body(key) for key in found]},
        words=text.table(("KEY", "OWNER", "ROLE", "IS", "MADE", "USED"), [_row(key) for key in found])
        if found
        else "No keys: whoever reaches the proxy is served.",
    )


@command(
    ("be served no more by a key", "keys revoke 4f9c6e2a"),
    (
        "by none of somebody's keys",
        "keys revoke $(python -m promptqueue keys list --json | jq -r '.keys[] | select(.owner == \"anna\") | .name')",
    ),
    of=keys,
)
@click.argument("names", metavar="KEY...", nargs=-1, required=True)
def revoke(call: Call, names: tuple[str, ...]) -> Reply:
    """Let keys be good no more.

    A key is called by the eight characters that stand after `opx_` in it; the whole of it will do. Within two seconds
    whatever they hold and follow ends as well. The prompts of their owners stay.
    """
    revoked, missing = [], []
    with call.queue() as queue:
        for name in map(name_in, names):
            try:
                with queue.transaction():
                    revoked.append(queue.revoke_key(name))
                    record(queue, Act.KEY_REVOKED, f"{name} of {revoked[-1].owner.name}")
            except KeyNotFound:
                missing.append(name)
    return Reply(
        document={"keys": [_body(key) for key in revoked], "not_found": missing},
        words="\n".join(f"{key.name} of {key.owner.name}  revoked" for key in revoked),
        refusal=f"No key has the name {text.harmless(', '.join(missing))}; python -m promptqueue keys list lists them."
        if missing
        else None,
    )


class Bound(click.ParamType[float | str]):
    """A number, or the word for what the product says: `default`."""

    name = "number"

    def __init__(self, number: click.ParamType[float]) -> None:
        self._number = number

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it; anything else ends the program with a sentence and exit code 2."""
        return value if value == "default" else self._number.convert(value, param, ctx)


class Much(click.FloatRange):
    """A number that is more than nothing, and is one: `nan` is in every range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it; anything else ends the program with a sentence and exit code 2."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


WHOLE = Bound(click.IntRange(0, 2**63 - 1))
MUCH = Much(0, 1e9, min_open=True)


@command(
    ("let her have twice the turns of others while both wait", "keys limit anna --weight 2"),
    ("let her have a hundred prompts in line, and one running", "keys limit anna --waiting 100 --running 1"),
    ("as the product says again", "keys limit anna --waiting default --running default --weight 1"),
    of=keys,
)
@click.argument("owner")
@click.option(
    "--weight",
    type=Much(LEAST_WEIGHT, MOST_WEIGHT),
    help="Its share of the time while others wait: of twice the weight, twice.",
)
@click.option("--waiting", type=WHOLE, help="Prompts in line.")
@click.option("--running", type=WHOLE, help="Prompts being answered.")
@click.option("--stored-bytes", type=WHOLE, help="Of prompts and answers.")
@click.option("--streams", type=WHOLE, help="Held requests and streams.")
@click.option("--requests-a-second", type=Bound(MUCH), help="Over five seconds.")
@click.option("--tokens-a-day", type=WHOLE, help="That the model writes, by UTC.")
def limit(call: Call, owner: str, weight: float | None, **wanted: Any) -> Reply:
    """Say what OWNER may have at once, all its keys together.

    What is not named stays; `default` is what the product says. Without any it is only shown. Streams and requests are
    counted in each process of the proxy.
    """
    changes = {name: None if value == "default" else value for name, value in wanted.items() if value is not None}
    with call.queue() as queue, queue.transaction():
        found = queue.limit_owner(owner, changes, weight=weight)
        if changes or weight is not None:
            record(queue, Act.LIMITS_CHANGED, owner)
    return Reply(
        document={"owner": found.name, "weight": found.weight, "limits": limits_body(found)},
        words=f"{found.name}: {limits_words(found)}.",
    )


@command(("serve whoever comes, as before the first key", "keys open"), of=keys)
@asks_back
def open_(call: Call) -> Reply:
    """Forget all keys, so that nobody needs one.

    Owners keep their prompts, their limits and what they have used, for when they are given a key again; until then
    nobody sees what is theirs. A proxy that other machines reach does not start without a key, unless it is told
    OPEN_TO_EVERYBODY=yes.
    """
    with call.queue() as queue:
        number = len(queue.keyring())
        if number:
            call.ask_back(f"Forget {text.count(number, 'key')} for good, and serve whoever reaches the proxy?")
        with queue.transaction():
            forgotten = queue.drop_keys()
            if forgotten:
                record(queue, Act.KEYS_FORGOTTEN, text.count(forgotten, "key"))
    return Reply(
        document={"forgotten": forgotten},
        words=f"{text.count(forgotten, 'key')} forgotten: whoever reaches the proxy is served.",
    )


def _standing(key: Key) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "good" if key.holds(time.time()) else "expired"


def _row(key: Key) -> tuple[str, ...]:
    standing = _standing(key)
    end = {"good": "until", "expired": "since"}.get(standing)
    until = f" {end} {text.when(key.expires_at)}" if end and key.expires_at is not None else ""
    used = text.when(key.used_at) or "never"
    return (key.name, key.owner.name, key.role, f"{standing}{until}", text.when(key.created_at) or "", used)


def _body(key: Key) -> Mapping[str, Any]:
    times = {
        name: None if (at := getattr(key, name)) is None else moment(at)
        for name in ("created_at", "expires_at", "revoked_at", "used_at")
    }
    return {"name": key.name, "owner": key.owner.name, "role": key.role, "is": _standing(key), **times}
