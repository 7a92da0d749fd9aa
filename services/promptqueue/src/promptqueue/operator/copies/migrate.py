"""The command that moves the queue to another engine, or to another place: migrate."""

import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click

from promptqueue.condition import Counts
from promptqueue.errors import QueueMissing, StorageUnavailable
from promptqueue.migration.moving import compare, copy, differ, identity_of
from promptqueue.migration.opening import opened, opened_whole
from promptqueue.operator import text
from promptqueue.operator.audit import record
from promptqueue.operator.command import Call, Reply, command, names_a_queue
from promptqueue.owners.deed import Act
from promptqueue.queue import PromptQueue
from promptqueue.settings import without_secrets
from promptqueue.sqlite.storage import path_of
from promptqueue.storage import connect, is_postgres

LATELY = 10  # deeds, among which is that the queue was moved, if it was


@command(
    (
        "from a file to a server, with every proxy and worker ended",
        "migrate sqlite:////data/queue.db postgresql://queue@postgres/queue",
    ),
    ("and back into another file", "migrate postgresql://queue@postgres/queue sqlite:////data/back/queue.db"),
    names_its_queue=True,
)
@click.argument("url", metavar="SOURCE", callback=names_a_queue)
@click.argument("target", callback=names_a_queue)
def migrate(call: Call, target: str) -> Reply:
    """Move the whole queue to another engine, or to another place.

    SOURCE and TARGET are written as in DATABASE_URL. End every proxy and worker first. TARGET is a file that does not
    exist, or a database in which nobody has asked anything. When it was broken off, the same command goes on. In the
    end both sides are read again and compared, number by number and by SHA-256.

    Ids, order, keys and usage stay, and so does everything else that is not of this moment: a prompt that ran waits
    again, at no cost, and calls that clients held are let go. SOURCE loses nothing; it is paused, so that nobody goes
    on with it by mistake. Keep it until you are sure.
    """
    began = time.monotonic()
    identity = identity_of(call.url)
    if _was_moved(call, target, identity):
        return _moved_before(call, target)
    try:
        with opened(call.url, target) as (source, here):
            with call.progress("Copying") as show:
                resumed_after = copy(source, here, identity, show)
            with call.progress("Comparing") as show:
                tables = compare(source, here, show)
            here.finish()
    except KeyboardInterrupt:
        call.note("Broken off; the same command goes on.")
        raise
    counts = _mark(call, target)
    number, seconds = sum(each.rows for each in tables.values()), time.monotonic() - began
    return Reply(
        document={
            "source": without_secrets(call.url),
            "target": without_secrets(target),
            "queued": counts.queued,
            "completed": counts.completed,
            "paused": counts.paused,
            "rows": number,
            "resumed_after": resumed_after,
            "seconds": round(seconds, 1),
            "tables": {name: asdict(digest) for name, digest in tables.items()},
        },
        words=(
            f"Moved: {text.count(counts.queued, 'prompt')} in line, {counts.completed:,} completed, in "
            f"{text.duration(seconds)}.\n"
            f"Compared: {text.count(number, 'row')} in {len(tables)} tables, the same on both sides by number and "
            "SHA-256.\n"
            f"Let DATABASE_URL name {without_secrets(target)} from now on. The source has all that it had and is "
            "paused; keep it until you are sure."
            + (" What was moved is paused too, as it was: `resume` lets it go on." if counts.paused else "")
        ),
    )


def _was_moved(call: Call, target: str, identity: str) -> bool:
    """Whether the target is this very queue already: the command was ended when all was done but to say so."""
    if call.url == target or (call.file and not is_postgres(target) and _is_same(call.file.path, path_of(target))):
        return False
    try:
        if identity_of(target) != identity:
            return False
    except (QueueMissing, StorageUnavailable):
        return False
    with closing(connect(call.url, journal_mode="keep")) as storage, closing(storage.open()) as queue:
        if _last_deed(queue) == (Act.MOVED_AWAY, without_secrets(target)):
            return True
    with opened_whole(call.url, target) as (source, here):
        return not differ(source, here)


def _is_same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _moved_before(call: Call, target: str) -> Reply:
    counts = _mark(call, target)
    return Reply(
        document={
            "source": without_secrets(call.url),
            "target": without_secrets(target),
            "queued": counts.queued,
            "completed": counts.completed,
            "paused": counts.paused,
        },
        words=(
            f"It was moved before: {text.count(counts.queued, 'prompt')} in line, {counts.completed:,} completed.\n"
            f"Let DATABASE_URL name {without_secrets(target)} from now on."
        ),
    )


def _mark(call: Call, target: str) -> Counts:
    """Let both say what was done, and nobody go on with the old one by mistake; how many prompts the new one has."""
    here, away = (Act.MOVED_HERE, without_secrets(call.url)), (Act.MOVED_AWAY, without_secrets(target))
    with closing(connect(target, journal_mode="keep")) as storage, closing(storage.open()) as queue:
        counts = queue.counts()
        if here not in [(deed.what, deed.to) for deed in queue.deeds(limit=LATELY)]:
            record(queue, *here)
    with call.queue() as queue, queue.transaction():
        if _last_deed(queue) != away:
            queue.pause(True)
            record(queue, *away)
    return counts


def _last_deed(queue: PromptQueue) -> tuple[str, str] | None:
    deeds = queue.deeds(limit=1)
    return (deeds[0].what, deeds[0].to) if deeds else None
