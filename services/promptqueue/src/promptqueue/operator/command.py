"""What all commands have in common: where the queue is, how they answer people and scripts, how they end."""

from __future__ import annotations

import functools
import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from promptqueue.connect import connect_existing, sqlite_path
from promptqueue.errors import PromptQueueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from promptqueue.queue import PromptQueue

PROGRAM = "python -m promptqueue"
ORDER = ("status", "list", "show", "cancel", "pause", "resume", "prune", "backup", "restore")
REFUSED = 1  # the exit code; click's own for what it does not understand is 2

Example = tuple[str, str]
"""What it does, and the arguments that do it."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """A command's answer: the same as one JSON document and in words. `refusal` says what could not be done."""

    document: Mapping[str, Any]
    words: str
    refusal: str | None = None


@dataclass(frozen=True)
class Call:
    """One call of a command: at which queue, and for whom."""

    url: str
    is_for_scripts: bool

    @contextmanager
    def queue(self) -> Iterator[PromptQueue]:
        """Open the queue. Raises QueueMissing rather than make one: its name may have been mistyped."""
        queue = connect_existing(self.url)
        try:
            yield queue
        finally:
            queue.close()

    @contextmanager
    def progress(self, label: str) -> Iterator[Callable[[int, int], None]]:
        """Show how much of how much is done, to people alone, and not among what is answered."""
        hidden = self.is_for_scripts or not sys.stderr.isatty()
        with click.progressbar(length=1, label=label, file=sys.stderr, hidden=hidden) as bar:

            def show(done: int, total: int) -> None:
                bar.length = max(total, 1)
                bar.update(max(done - bar.pos, 0))  # a copy that begins anew shows nothing until it is further

            yield show


class Help(click.Command):
    """A command whose help ends with examples, line by line as they are typed."""

    def __init__(self, *arguments: Any, examples: tuple[Example, ...], **settings: Any) -> None:
        """Take the examples besides what click wants."""
        super().__init__(*arguments, **settings)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's names)
        """Write the examples."""
        with formatter.section("Examples"):
            for what, arguments in self.examples:
                formatter.write(f"  # {what}\n  {PROGRAM} {arguments}\n")


class InOrder(click.Group):
    """Commands in the order in which one comes to need them, not in the alphabet's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name them."""
        return sorted(super().list_commands(ctx), key=ORDER.index)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def commands() -> None:
    """Look after the queue: what it does, what is in it, and its copies.

    Every command but `restore` is meant for a queue in use.

    \b
    With Docker:  docker compose exec worker python -m promptqueue COMMAND
    Exit codes:   0 done
                  1 refused, or not found; one sentence says why
                  2 not understood
    """  # noqa: D301 (click leaves lines as they are that follow its mark)


def command(*examples: Example) -> Callable[[Callable[..., Told]], Help]:
    """Make a command of a function that takes a Call and its own arguments, and returns what is told."""

    def make(function: Callable[..., Told]) -> Help:
        @click.command(function.__name__.rstrip("_"), cls=Help, examples=examples)
        @click.option(
            "--database-url",
            "url",
            metavar="URL",
            envvar="DATABASE_URL",
            default="sqlite:///data/queue.db",
            show_default=True,
            show_envvar=True,
            callback=_checked,
            help="Where the queue lives.",
        )
        @click.option("--json", "is_for_scripts", is_flag=True, help="Print one JSON document, for scripts.")
        @functools.wraps(function)
        def run(url: str, is_for_scripts: bool, **arguments: Any) -> None:
            try:
                told = function(Call(url, is_for_scripts), **arguments)
            except PromptQueueError as error:
                told = _refused(error)
            _tell(told, is_for_scripts)

        run.params.sort(key=lambda parameter: parameter.name in ("url", "is_for_scripts"))  # a command's own come first
        commands.add_command(run)
        return run

    return make


def _tell(told: Told, is_for_scripts: bool) -> None:
    if is_for_scripts:
        click.echo(json.dumps(told.document, indent=2))
    elif told.words:
        click.echo(told.words)
    if told.refusal:
        click.echo(f"Error: {told.refusal}", err=True)
        sys.exit(REFUSED)


def _checked(_context: click.Context, _parameter: click.Parameter, url: str) -> str:
    try:
        sqlite_path(url)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return url


def _refused(error: PromptQueueError) -> Told:
    return Told(document={"error": {"code": error.code, "message": str(error)}}, words="", refusal=str(error))
