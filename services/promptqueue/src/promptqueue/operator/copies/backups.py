"""The commands for copies of the queue: backup, restore."""

from contextlib import suppress
from pathlib import Path

import click

from promptqueue.errors import NotOfThisEngine, PromptQueueError
from promptqueue.operator import dumps, text
from promptqueue.operator.audit import record
from promptqueue.operator.command import Call, Reply, asks_back, command
from promptqueue.operator.copies import streams
from promptqueue.owners.deed import Act
from promptqueue.owners.key import Key
from promptqueue.queue import PromptQueue
from promptqueue.sqlite.storage import SQLiteStorage


@command(
    ("copy the queue while everything runs", "backup /var/backups/queue.backup"),
    ("in place of yesterday's copy", "backup --force /var/backups/queue.backup"),
    ("to standard output, out of a container or to another machine", "backup - > /var/backups/queue.backup"),
)
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--force", is_flag=True, help="Overwrite FILE if it exists.")
def backup(call: Call, file: Path, force: bool) -> Reply:
    """Copy the whole queue into FILE, or with - to standard output.

    Everybody goes on meanwhile. The copy is of one moment and is checked before FILE appears or the first byte is sent;
    until it is sent it lies beside the queue. It holds every prompt and answer; FILE can be read by you alone.

    \b
    With Docker:  docker compose exec -T worker python -m promptqueue backup - > queue.backup
    """  # noqa: D301 (click leaves lines as they are that follow its mark)
    if not call.file:
        raise NotOfThisEngine(dumps.backup(call.url, str(file)))
    if file == streams.STREAM:
        return _send(call, call.file)
    with call.progress("Copying") as show:
        call.file.backup(file, overwrite=force, progress=show)
    return _copied(str(file), str(file), file.stat().st_size)


def _send(call: Call, storage: SQLiteStorage) -> Reply:
    call.stdout_is_taken = True
    stream = streams.standard_output()
    with call.queue(), streams.temporary_copy(storage.path.parent) as file:
        with call.progress("Copying") as show:
            storage.backup(file, progress=show)
        with call.progress("Sending") as show:
            streams.send(file, stream, show)
        return _copied("-", "standard output", file.stat().st_size)


def _copied(file: str, name: str, number: int) -> Reply:
    words = f"Copied to {name}: {text.size(number)}, checked and whole."
    return Reply(document={"file": file, "bytes": number}, words=words)


@command(
    ("bring a copy back, with every proxy and worker ended", "restore /var/backups/queue.backup"),
    ("from standard input, into a container or from another machine", "restore - < /var/backups/queue.backup"),
)
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@asks_back
def restore(call: Call, file: Path) -> Reply:
    """Let a copy take the queue's place.

    It is in FILE, or with - on standard input. The replaced queue is kept beside it until you remove it. What was
    accepted after the copy was made is in that one alone; what was completed since runs again. It is refused while
    anything has the queue open, and changes nothing when the copy is not whole. A key that was revoked since stays
    revoked; one that was made since is no more.

    \b
    With Docker:  docker compose stop proxy worker
                  docker compose run --rm -T worker python -m promptqueue restore - < queue.backup
                  docker compose start proxy worker
    """  # noqa: D301 (click leaves lines as they are that follow its mark)
    storage = call.file
    if not storage:
        raise NotOfThisEngine(dumps.restore(call.url, str(file)))
    source = streams.standard_input() if file == streams.STREAM else file
    if storage.path.exists():
        call.ask_back(f"Let {file} take the place of the queue at {storage.path}? That one is kept beside it.")
    before = _keys(call)
    with call.progress("Copying") as show:
        replaced = storage.restore(source, progress=show)
    with call.queue() as queue, queue.transaction():  # an older schema is migrated now, not at somebody's start
        counts = queue.counts()
        record(queue, Act.RESTORED, str(file))
        revoked = _revoke_again(queue, before)
        is_open = not queue.keyring()
    if before and is_open:
        call.note("The copy has no keys, so whoever reaches the proxy is served. `keys add` ends that.")
    held = f"{text.count(counts.queued + counts.processing, 'prompt')} in line, {counts.completed:,} completed"
    kept = f"; the replaced queue is {replaced}" if replaced else ""
    stay = f" Revoked as before: {', '.join(revoked)}." if revoked else ""
    return Reply(
        document={
            "replaced": None if replaced is None else str(replaced),
            "queued": counts.queued + counts.processing,
            "completed": counts.completed,
            "revoked": revoked,
        },
        words=f"Restored: {held}{kept}.{stay}",
    )


def _keys(call: Call) -> list[Key]:
    """Give the keys of the queue that is to be replaced; none where it cannot be read, which may be why it is."""
    with suppress(PromptQueueError), call.queue() as queue:
        return [key for _, key in queue.keyring()]
    return []


def _revoke_again(queue: PromptQueue, before: list[Key]) -> list[str]:
    """Revoke what was revoked after the copy was made, or an old copy would let people in again; the names."""
    revoked = {key.name for key in before if key.revoked_at is not None}
    again = [key.name for _, key in queue.keyring() if key.name in revoked and key.revoked_at is None]
    for name in again:
        queue.revoke_key(name)
        record(queue, Act.KEY_REVOKED, name)
    return again
