"""The command that tells what was done: audit; and the note of what other commands do."""

import click

from promptqueue.operator import text
from promptqueue.operator.command import Call, Reply, command
from promptqueue.owners.deed import COMMAND_LINE, Act, Deed
from promptqueue.queue import PromptQueue
from promptqueue.wire import moment


def record(queue: PromptQueue, what: Act, to: str = "") -> None:
    """Note that a command did this."""
    queue.record(Deed(who=COMMAND_LINE, what=what, to=to))


@command(
    ("what was done last", "audit"),
    ("what came before a list that ended with `more: --before 1234`", "audit --before 1234"),
    ("who revoked keys, in a script", "audit --json | jq -r '.deeds[] | select(.what == \"key revoked\") | .who'"),
)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many at most.")
@click.option("--before", type=click.IntRange(0, 2**63 - 1), metavar="NUMBER", help="Where the list before this ended.")
def audit(call: Call, limit: int, before: int | None) -> Reply:
    """List what was done with keys and with the queue, the last first.

    It says when, by which key or by this command line, and to what; never a text and never a secret. It is kept for a
    year.
    """
    with call.queue() as queue:
        deeds = queue.deeds(limit=limit + 1, before=before)
    shown, is_more = deeds[:limit], len(deeds) > limit
    last = shown[-1].number if is_more else None
    rows = [
        (text.when(deed.at) or "", text.harmless(deed.who), text.harmless(deed.what), text.harmless(deed.to))
        for deed in shown
    ]
    return Reply(
        document={"deeds": [_body(deed) for deed in shown], "next": last},
        words=text.table(("WHEN", "WHO", "WHAT", "TO"), rows) + (f"\nmore: --before {last}" if is_more else "")
        if rows
        else "Nothing yet.",
    )


def _body(deed: Deed) -> dict[str, str | None]:
    at = None if deed.at is None else moment(deed.at)
    return {"at": at, "who": deed.who, "what": deed.what, "to": deed.to or None}
