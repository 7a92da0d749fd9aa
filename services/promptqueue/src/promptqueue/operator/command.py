"""What all commands share: where the queue is, how they answer people and scripts, how they end."""

import functools
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import click

from promptqueue.errors import PromptQueueError
from promptqueue.queue import PromptQueue
from promptqueue.sqlite.file import schema
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.storage import SQLiteStorage
from promptqueue.storage import Storage, check, connect

PROGRAM = "python -m promptqueue"
ORDER = (
    "status",
    "list",
    "show",
    "cancel",
    "retry",
    "pause",
    "resume",
    "keys",
    "owners",
    "usage",
    "audit",
    "prune",
    "compact",
    "backup",
    "restore",
    "migrate",
)
REFUSED = 1  # the exit code; click's own for what it does not understand is 2

Example = tuple[str, str]
"""What it does, and the arguments that do it."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A command's answer, as one JSON document and in words. `refusal` says what could not be done."""

    document: Mapping[str, Any]
    words: str
    refusal: str | None = None


@dataclass(kw_only=True)
class Call:
    """One call of a command: at which queue, and for whom."""

    url: str
    is_for_scripts: bool
    is_agreed: bool = False  # whoever calls has said --yes
    stdout_is_taken: bool = False  # by a copy, so that all else goes to standard error

    @functools.cached_property
    def storage(self) -> Storage:
        """Where the queue is kept, in the journal mode that it has."""
        return connect(self.url, journal_mode="keep")

    @property
    def file(self) -> SQLiteStorage | None:
        """The same where it is a file; None where a server keeps it."""
        return self.storage if isinstance(self.storage, SQLiteStorage) else None

    def ask_back(self, question: str) -> None:
        """Ask a person, and never a script, whether it is meant. Raises click.ClickException when it is not."""
        is_person = not self.is_for_scripts and sys.stdin.isatty() and sys.stdout.isatty()
        if is_person and not self.is_agreed and not click.confirm(question, err=True):
            message = "Nothing was done."
            raise click.ClickException(message)

    def note(self, words: str | None) -> None:
        """Print something beside the answer, for people alone; None prints nothing."""
        if words and not self.is_for_scripts:
            click.echo(words, err=True)

    def queue(self) -> AbstractContextManager[PromptQueue]:
        """Open the queue. Raises QueueMissing rather than make one: its name may have been mistyped."""
        return closing(self.storage.open())

    def close(self) -> None:
        """Let go of the storage."""
        self.storage.close()

    @contextmanager
    def progress(self, label: str) -> Iterator[Callable[[int, int], None]]:
        """Show people how much of how much is done, on standard error."""
        hidden = self.is_for_scripts or not sys.stderr.isatty()
        with click.progressbar(length=1, label=label, file=sys.stderr, hidden=hidden) as bar:

            def show(done: int, total: int) -> None:
                bar.length = max(total, 1)
                bar.update(max(done - bar.pos, 0))  # a copy that begins anew shows nothing until it is further

            yield show


class Help(click.Command):
    """A command whose help ends with examples, line by line as they are typed."""

    def __init__(self, *arguments: Any, examples: tuple[Example, ...], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (click's names)
        """Write the examples."""
        with formatter.section("Examples"):
            for what, arguments in self.examples:
                formatter.write(f"  # {what}\n  {PROGRAM} {arguments}\n")


class InOrder(click.Group):
    """Commands in the order in which they are needed, instead of by the alphabet."""

    def __init__(self, *arguments: Any, order: tuple[str, ...], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.order = order

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name them."""
        return sorted(super().list_commands(ctx), key=self.order.index)


def _print_version(context: click.Context, _parameter: click.Parameter, is_asked: bool) -> None:
    if is_asked and not context.resilient_parsing:
        try:
            installed = version("promptqueue")
        except PackageNotFoundError:
            installed = "from this folder, not installed"
        click.echo(f"promptqueue {installed}, schema {schema.known()}, SQLite {sqlite3.sqlite_version}{_postgres()}")
        context.exit()


def _postgres() -> str:
    """Say the same of the other engine; nothing where its library is not installed."""
    if find_spec("psycopg") is None:
        return ""
    from promptqueue.postgres.server import schema as postgres  # noqa: PLC0415
    from promptqueue.postgres.server.session import LIBRARY  # noqa: PLC0415

    return f"; PostgreSQL: schema {postgres.known()}, {LIBRARY}"


@click.group(
    cls=InOrder, order=ORDER, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
def commands() -> None:
    """Look after the queue: what it does, what is in it, and its copies.

    Every command but `restore` and `migrate` is meant for a queue in use. What erases or ends much for good asks once
    when a person is at the terminal; --yes answers beforehand.

    \b
    With Docker:  docker compose exec worker python -m promptqueue COMMAND
    Exit codes:   0 done
                  1 refused, or not found; one sentence says why
                  2 not understood
    """  # noqa: D301 (click leaves lines as they are that follow its mark)


asks_back = click.option("--yes", "-y", "is_agreed", is_flag=True, help="Do not ask back.")
"""The option of a command that calls `Call.ask_back`."""


def names_a_queue(_context: click.Context, _parameter: click.Parameter, url: str) -> str:
    """Refuse a URL that names no queue."""
    try:
        return check(url)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


names_the_queue = click.option(
    "--database-url",
    "url",
    metavar="URL",
    envvar="DATABASE_URL",
    default="sqlite:///data/queue.db",
    show_default=True,
    show_envvar=True,
    callback=names_a_queue,
    help="Where the queue lives.",
)
"""The option of every command but those that name their queue by an argument."""


def command(
    *examples: Example, of: click.Group = commands, names_its_queue: bool = False
) -> Callable[[Callable[..., Reply]], Help]:
    """Make a command of a function that takes a Call and its own arguments, and returns its Reply.

    It `names_its_queue` by an argument `url` where the one of everybody is not meant.
    """

    def make(function: Callable[..., Reply]) -> Help:
        @click.command(function.__name__.rstrip("_"), cls=Help, examples=examples)
        @names_the_queue
        @click.option("--json", "is_for_scripts", is_flag=True, help="Print one JSON document, for scripts.")
        @functools.wraps(function)
        def run(url: str, is_for_scripts: bool, **arguments: Any) -> None:
            call = Call(url=url, is_for_scripts=is_for_scripts, is_agreed=arguments.pop("is_agreed", False))
            try:
                with closing(call):
                    reply = function(call, **arguments)
            except PromptQueueError as error:
                failure = {"error": {"code": error.code, "message": str(error)}}
                reply = Reply(document=failure, words="", refusal=str(error))
            _print(reply, call)

        run.params.sort(key=_is_shared)  # a command's own come first
        if names_its_queue:
            run.params = [each for each in run.params if each.name != "url" or not _is_shared(each)]
        of.add_command(run)
        return run

    return make


def _is_shared(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Option) and parameter.name in ("url", "is_for_scripts")


def _print(reply: Reply, call: Call) -> None:
    if call.is_for_scripts:
        click.echo(json.dumps(reply.document, indent=2), err=call.stdout_is_taken)
    elif reply.words:
        click.echo(reply.words, err=call.stdout_is_taken)
    if reply.refusal:
        click.echo(f"Error: {reply.refusal}", err=True)
        sys.exit(REFUSED)
