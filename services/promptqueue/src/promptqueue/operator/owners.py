"""The command that lists owners: owners."""

from collections import Counter
from dataclasses import asdict
from typing import Any

from promptqueue.operator import text
from promptqueue.operator.command import Call, Reply, command
from promptqueue.owners.owner import Owner


@command(("who asks, and what each may have", "owners"))
def owners(call: Call) -> Reply:
    """List owners, with their keys and what was said of their limits.

    Keys that were revoked do not count. `everybody` is whoever comes without a key, `pages` are pages of other
    origins that do.
    """
    with call.queue() as queue:
        found = queue.owners()
        keys = Counter(key.owner.number for _, key in queue.keyring() if key.revoked_at is None)
    return Reply(
        document={
            "owners": [
                {
                    "owner": owner.name,
                    "weight": owner.weight,
                    "keys": keys[owner.number],
                    "limits": limits_body(owner),
                }
                for owner in found
            ]
        },
        words=text.table(
            ("OWNER", "KEYS", "LIMITS"),
            [(owner.name, str(keys[owner.number]), limits_words(owner)) for owner in found],
        ),
    )


def limits_body(owner: Owner) -> dict[str, Any]:
    """Write what was said of an owner's limits; null is the product's default."""
    return asdict(owner.limits)


def limits_words(owner: Owner) -> str:
    """Say in one line what was said of an owner's limits."""
    said = [("weight", owner.weight), *asdict(owner.limits).items()]
    return ", ".join(f"{name.replace('_', ' ')} {value:,g}" for name, value in said if value is not None)
