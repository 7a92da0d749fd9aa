"""The commands that make room: prune, compact."""

import time

import click

from promptqueue.errors import NotOfThisEngine
from promptqueue.operator import dumps, text
from promptqueue.operator.audit import record
from promptqueue.operator.command import Call, Reply, asks_back, command
from promptqueue.owners.deed import Act

DAY = 24 * 3600.0  # seconds


@command(
    ("erase what was completed more than a week ago", "prune --older-than 7d"),
    ("only count it", "prune --older-than 7d --dry-run"),
)
@click.option(
    "--older-than", "age", type=text.AGE, required=True, help="How long ago they were completed: 90s, 12h, 7d, 4w."
)
@click.option("--dry-run", is_flag=True, help="Erase nothing; say how many prompts would go.")
@asks_back
def prune(call: Call, age: float, dry_run: bool) -> Reply:
    """Erase completed prompts with their texts.

    It goes in small steps, between which everybody else has a turn. The janitor does the same after RETENTION_DAYS, but
    not before the clock has kept step for a day. This command obeys at once, and says so if the clock is new.
    """
    erased = 0
    with call.queue() as queue:
        agreement, begun = queue.agreement(), time.monotonic()
        prunable = queue.prunable(older_than=age)
        if dry_run:
            return Reply(
                document={"erased": 0, "prunable": prunable}, words=f"{text.count(prunable, 'prompt')} would be erased."
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
        if erased:
            record(queue, Act.PRUNED, text.count(erased, "prompt"))
        lasted = time.monotonic() - begun  # before the question, for which it may have to wait
        is_stepped = queue.agreement() < lasted
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
    a whole, once: submissions then wait, or are refused, for as long as copying it twice takes. In PostgreSQL the
    server's own programs do it.
    """
    if not call.file:
        raise NotOfThisEngine(dumps.compact(call.url))
    with call.queue() as queue:
        room = queue.room()
        before = room.file_bytes
        if not room.in_steps:
            long = f"writing {text.size(room.stored_bytes)} twice"
            call.ask_back(f"An older version made this file. Nobody else can write for as long as {long} takes. Go on?")
            call.file.rewrite()
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
            f"The queue's file went from {text.size(before)} to {text.size(room.file_bytes)}"
            f"{'' if room.disk_free_bytes is None else f'; {text.size(room.disk_free_bytes)} of its disk are free'}."
        ),
    )


def _doubt(agreement: float) -> str | None:
    """Say that the wall clock, which decides what is old, may be wrong; None when it has kept step for a day."""
    if agreement >= DAY:
        return None
    now = text.when(time.time())
    return f"The clock says {now}, and is known to have kept step for {text.duration(agreement)} only."
