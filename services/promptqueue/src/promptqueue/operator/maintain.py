"""The commands that keep what is stored: prune, backup, restore."""

from __future__ import annotations

import time
from pathlib import Path

import click

from promptqueue.operator import streams, text
from promptqueue.operator.age import AGE
from promptqueue.operator.command import Call, Reply, asks_back, command

DAY = 24 * 3600.0  # seconds


@command(
    ("erase what was completed more than a week ago", "prune --older-than 7d"),
    ("only count it", "prune --older-than 7d --dry-run"),
)
@click.option(
    "--older-than", "age", type=AGE, required=True, help="How long ago they were completed: 90s, 12h, 7d, 4w."
)
@click.option("--dry-run", is_flag=True, help="Erase nothing; say how many prompts would go.")
@asks_back
def prune(call: Call, age: float, dry_run: bool) -> Reply:
    """Erase completed prompts with their texts.

    It goes in small steps, between which everybody else has a turn. The janitor does the same after RETENTION_DAYS, but
    not before the clock has kept step for a day. Your word is obeyed at once, and you are told if the clock is new.
    """
    erased = 0
    with call.queue() as queue:
        agreement, begun = queue.agreement(), time.monotonic()
        prunable = queue.prunable(older_than=age)
        if dry_run:
            return Reply(
                document={"erased": 0, "prunable": prunable},
                words=f"{text.count(prunable, 'prompt')} would be erased.",
            )
        if prunable:
            what = f"{text.count(prunable, 'prompt')} completed more than {text.duration(age)} ago"
            call.note(_doubt(agreement))
            call.ask_back(f"Erase {what}, with what was asked and answered, for good?")
        with call.progress("Erasing") as show:
            # What was old at the beginning, by the clock of then: else it would run after what is completed meanwhile,
            # and a clock that is set meanwhile would erase what nobody has agreed to.
            since = 0.0
            while step := queue.prune(older_than=age + since, agreed_for=since):
                erased += step
                show(erased, prunable)
                time.sleep(time.monotonic() - begun - since)  # the disk is others' for as long as it was ours
                since = time.monotonic() - begun
        is_stepped = queue.agreement() < time.monotonic() - begun
        call.storage.tidy()
    return Reply(
        document={
            "erased": erased,
            "prunable": max(0, prunable - erased) if is_stepped else 0,
            "clock_agreed_seconds": round(agreement),
        },
        words=f"{text.count(erased, 'prompt')} erased.",
        refusal="The clock was set meanwhile, so no more was erased: look at it, and try again."
        if is_stepped
        else None,
    )


@command(("give the room of what was erased back to the disk, while everything runs", "compact"))
@asks_back
def compact(call: Call) -> Reply:
    """Give the room of erased prompts back to the disk.

    New prompts use that room again, and the janitor gives it back when it is much; this does it now, in small steps
    between which everybody else has a turn. The file of a queue that an older version made can only be written anew as
    a whole, once: submissions then wait, or are refused, for as long as copying it twice takes.
    """
    with call.queue() as queue:
        room = queue.room()
        before = room.file_bytes
        if not room.in_steps:
            long = f"writing {text.size(room.stored_bytes)} twice"
            call.ask_back(f"An older version made this file. Nobody else can write for as long as {long} takes. Go on?")
            call.storage.rewrite()
        with call.progress("Compacting") as show:
            given, begun = 0, time.monotonic()
            while step := queue.compact():
                given += step
                show(given, room.spare_bytes)
                time.sleep(time.monotonic() - begun)  # the disk is others' for as long as it was ours
                begun = time.monotonic()
            show(1, 1)
        call.storage.tidy()
        room = queue.room()
    return Reply(
        document={
            "bytes_before": before,
            "bytes_after": room.file_bytes,
            "stored_bytes": room.stored_bytes,
            "spare_bytes": room.spare_bytes,
            "disk_free_bytes": room.disk_free_bytes,
        },
        words=(
            f"The queue's file went from {text.size(before)} to {text.size(room.file_bytes)}; "
            f"{text.size(room.disk_free_bytes)} of its disk are free."
        ),
    )


def _doubt(agreement: float) -> str | None:
    """Say that the wall clock, which decides what is old, may be wrong; None when it has kept step for a day."""
    if agreement >= DAY:
        return None
    now = text.when(time.time())
    return f"The clock says {now}, and is known to have kept step for {text.duration(agreement)} only."


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
    if file == streams.STREAM:
        return _send(call)
    with call.progress("Copying") as show:
        call.storage.backup(file, overwrite=force, progress=show)
    number = file.stat().st_size
    return Reply(
        document={"file": str(file), "bytes": number},
        words=f"Copied to {file}: {text.size(number)}, checked and whole.",
    )


def _send(call: Call) -> Reply:
    call.stdout_is_taken = True
    stream = streams.wanted()
    with call.queue(), streams.passing(call.storage.path.parent) as file:
        with call.progress("Copying") as show:
            call.storage.backup(file, progress=show)
        with call.progress("Sending") as show:
            streams.send(file, stream, show)
        number = file.stat().st_size
    return Reply(
        document={"file": "-", "bytes": number},
        words=f"Copied to standard output: {text.size(number)}, checked and whole.",
    )


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
    anything has the queue open, and changes nothing when the copy is not whole.

    \b
    With Docker:  docker compose stop proxy worker
                  docker compose run --rm -T worker python -m promptqueue restore - < queue.backup
                  docker compose start proxy worker
    """  # noqa: D301 (click leaves lines as they are that follow its mark)
    source = streams.given() if file == streams.STREAM else file
    if call.storage.path.exists():
        call.ask_back(f"Let {file} take the place of the queue at {call.storage.path}? That one is kept beside it.")
    with call.progress("Copying") as show:
        replaced = call.storage.restore(source, progress=show)
    with call.queue() as queue:  # an older schema is migrated now, not at somebody's start
        counts = queue.counts()
    held = f"{text.count(counts.queued + counts.processing, 'prompt')} in line, {counts.completed:,} completed"
    kept = f"; the replaced queue is {replaced}" if replaced else ""
    return Reply(
        document={
            "replaced": None if replaced is None else str(replaced),
            "queued": counts.queued + counts.processing,
            "completed": counts.completed,
        },
        words=f"Restored: {held}{kept}.",
    )
