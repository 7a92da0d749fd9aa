"""The command that tells what owners had of the model: usage."""

from datetime import UTC, datetime, timedelta

import click

from promptqueue.operator import text
from promptqueue.operator.command import Call, Reply, command
from promptqueue.operator.owners import owner_named
from promptqueue.wire import usage_body


@command(
    ("what everybody had in the last thirty days", "usage"),
    ("who had how many tokens today, in a script", "usage --days 1 --json | jq '.days[] | {owner, tokens}'"),
    ("what came without a key, this year", "usage --owner everybody --days 366"),
)
@click.option("--owner", metavar="NAME", help="Only this owner's.")
@click.option(
    "--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="Of how many days, today among them."
)
def usage(call: Call, owner: str | None, days: int) -> Reply:
    """Show what each owner had of the model, day by day, the last first.

    A prompt counts on the day on which it ended, by UTC, and still does when it was erased. TIME is that of a slot.
    """
    since = (datetime.now(UTC) - timedelta(days=days - 1)).date().isoformat()
    with call.queue() as queue:
        found = queue.usage(owner=None if owner is None else owner_named(queue, owner).number, since=since)
    body = [
        (
            each.day,
            text.harmless(each.owner),
            f"{each.succeeded:,}",
            f"{each.failed:,}",
            f"{each.cancelled:,}",
            f"{each.expired:,}",
            f"{each.prompt_tokens:,}",
            f"{each.tokens:,}",
            text.duration(each.seconds),
        )
        for each in found
    ]
    head = ("DAY", "OWNER", "SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED", "TOKENS READ", "TOKENS WRITTEN", "TIME")
    return Reply(
        document={"days": [usage_body(each) for each in found]},
        words=text.table(head, body) if found else "Nothing was asked.",
    )
