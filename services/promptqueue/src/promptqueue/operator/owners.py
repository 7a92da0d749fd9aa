"""The command that lists owners: owners."""

import time
from collections import Counter
from dataclasses import asdict
from typing import Any

from promptqueue.errors import OwnerNotFound
from promptqueue.operator import text
from promptqueue.operator.command import Call, Reply, command
from promptqueue.owners.owner import Owner
from promptqueue.queue import PromptQueue


@command(("who asks, what each has, and what it may have", "owners"))
def owners(call: Call) -> Reply:
    """List owners: their keys, what each has and may have.

    Keys that were revoked or have expired do not count. `everybody` is whoever comes without a key, `pages` are pages
    of other origins that do.
    """
    with call.queue() as queue:
        found = queue.owners()
        holdings = [queue.holdings(owner.number) for owner in found]
        keys = Counter(key.owner.number for _, key in queue.keyring() if key.holds(time.time()))
    return Reply(
        document={
            "owners": [
                {
                    "owner": owner.name,
                    "weight": owner.weight,
                    "keys": keys[owner.number],
                    **asdict(has),
                    "limits": limits_body(owner),
                }
                for owner, has in zip(found, holdings, strict=True)
            ]
        },
        words=text.table(
            ("OWNER", "KEYS", "WAITING", "RUNNING", "STORED", "TOKENS TODAY", "LIMITS"),
            [
                (
                    owner.name,
                    str(keys[owner.number]),
                    f"{has.waiting:,}",
                    f"{has.running:,}",
                    text.size(has.stored_bytes),
                    f"{has.tokens_today:,}",
                    limits_words(owner),
                )
                for owner, has in zip(found, holdings, strict=True)
            ],
        ),
    )


def owner_named(queue: PromptQueue, name: str) -> Owner:
    """Find the owner of this name. Raises OwnerNotFound."""
    for owner in queue.owners():
        if owner.name == name:
            return owner
    message = f"No owner has the name {name}; python -m promptqueue owners lists them."
    raise OwnerNotFound(message)


def limits_body(owner: Owner) -> dict[str, Any]:
    """Write what was said of an owner's limits; null is the product's default."""
    return asdict(owner.limits)


def limits_words(owner: Owner) -> str:
    """Say in one line what was said of an owner's limits."""
    said = [("weight", owner.weight), *asdict(owner.limits).items()]
    return ", ".join(f"{name.replace('_', ' ')} {_number(value)}" for name, value in said if value is not None)


def _number(value: float) -> str:
    """Write it with all its digits: a limit of a million is no 1e+06."""
    return f"{int(value):,}" if value == int(value) else f"{value:,}"
