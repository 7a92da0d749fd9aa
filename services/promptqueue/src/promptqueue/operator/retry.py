"""The command retry."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import click

from promptqueue.errors import NotRetryable, PromptNotFound
from promptqueue.operator import text
from promptqueue.operator.command import Call, Reply, command
from promptqueue.prompt import Outcome, Status
from promptqueue.queue import PromptQueue

AT_ONCE = 20  # in one commit, for which others wait
PAGE = 1_000
RETRYABLE = (Outcome.FAILED, Outcome.CANCELLED, Outcome.EXPIRED)


@dataclass
class Retried:
    """What became of each prompt, by its id."""

    retried: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)  # they wait or run
    refused: dict[str, str] = field(default_factory=dict)  # with the reason
    missing: list[str] = field(default_factory=list)

    def retry(self, queue: PromptQueue, prompt_id: str) -> None:
        """Retry one."""
        try:
            is_waiting = queue.get(prompt_id).status is not Status.COMPLETED
            queue.retry(prompt_id)
        except NotRetryable as error:
            self.refused[prompt_id] = str(error)
        except PromptNotFound:
            self.missing.append(prompt_id)
        else:
            (self.unchanged if is_waiting else self.retried).append(prompt_id)


class _DryRun(Exception):
    """Leaves a transaction so that it changes nothing."""


@command(
    ("try a prompt again that failed", "retry 4f9c6e2a-8f0d-4c3e-9a52-0f6f3a1f0b11"),
    ("after an outage: all that failed in the last two hours", "retry --outcome failed --since 2h"),
    ("only say what that would do", "retry --outcome failed --since 2h --dry-run"),
)
@click.argument("prompt_ids", metavar="[ID]...", nargs=-1)
@click.option("--outcome", type=click.Choice([each.value for each in RETRYABLE]), help="All that ended so.")
@click.option("--since", "age", type=text.AGE, help="Of these, those that ended no longer ago: 90s, 12h, 7d, 4w.")
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would be retried.")
def retry(call: Call, prompt_ids: tuple[str, ...], outcome: str | None, age: float | None, dry_run: bool) -> Reply:
    """Queue prompts again that failed, were cancelled or expired.

    They keep their ids and go to the end of the line, with a new budget of failures and a new time to wait. Those that
    wait or run stay where they are. Refused are those that have their answer, that would be refused again, or whose
    text was erased: that of a prompt that never ran goes within the hour.
    """
    if bool(prompt_ids) == bool(outcome) or (age is not None and not outcome):
        message = "Name the prompts by their ids, or by --outcome and, if you like, --since."
        raise click.UsageError(message)
    done = Retried()
    with call.queue() as queue:
        wanted = list(prompt_ids) if not outcome else _ended(queue, Outcome(outcome), age)
        with call.progress("Retrying") as show:
            _retry(queue, wanted, done, is_dry=dry_run, show=show)
    return Reply(
        document={
            "retried": done.retried,
            "unchanged": done.unchanged,
            "not_retryable": [{"id": each, "reason": reason} for each, reason in done.refused.items()],
            "not_found": done.missing,
            "dry_run": dry_run,
        },
        words=_summary(done, dry_run) if outcome else _each(done, dry_run),
        refusal=None if outcome else _refusal(done),
    )


def _ended(queue: PromptQueue, outcome: Outcome, age: float | None) -> list[str]:
    """Give the ids of those that ended so, the first accepted first, as they will stand in line again."""
    since = float("-inf") if age is None else time.time() - age
    found: list[str] = []
    page = queue.newest(outcome=outcome, limit=PAGE)
    while True:
        found += [each.id for each in page.prompts if each.completed_at is not None and each.completed_at >= since]
        if page.next is None:
            return found[::-1]
        page = queue.newest(outcome=outcome, limit=PAGE, before=page.next)


def _retry(
    queue: PromptQueue, wanted: Sequence[str], done: Retried, *, is_dry: bool, show: Callable[[int, int], None]
) -> None:
    """Retry some in each commit, between which everybody else has a turn."""
    for first in range(0, len(wanted), AT_ONCE):
        begun = time.monotonic()
        with suppress(_DryRun), queue.transaction():
            for prompt_id in wanted[first : first + AT_ONCE]:
                done.retry(queue, prompt_id)
            if is_dry:
                raise _DryRun
        show(min(first + AT_ONCE, len(wanted)), len(wanted))
        if first + AT_ONCE < len(wanted):
            time.sleep(time.monotonic() - begun)


def _each(done: Retried, is_dry: bool) -> str:
    queued = "would be queued again" if is_dry else "queued again"
    return "\n".join(
        [
            *(f"{each}  {queued}" for each in done.retried),
            *(f"{each}  waits or runs already" for each in done.unchanged),
            *(f"{each}  not retried: {reason}" for each, reason in done.refused.items()),
        ]
    )


def _summary(done: Retried, is_dry: bool) -> str:
    verb = "would be queued again" if is_dry else "queued again"
    reasons = Counter(done.refused.values())
    return "\n".join(
        [
            f"{text.count(len(done.retried), 'prompt')} {verb}.",
            *(f"{text.count(number, 'prompt')} not: {reason}" for reason, number in reasons.most_common()),
        ]
    )


def _refusal(done: Retried) -> str | None:
    if done.missing:
        return f"No prompt has the id {', '.join(done.missing)}."
    return f"{text.count(len(done.refused), 'prompt')} not retried." if done.refused else None
