"""Copies of the queue through standard output and input, where no folder is shared with it."""

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO

import click

from promptqueue.errors import StorageUnavailable
from promptqueue.sqlite.file.errors import storage_errors

STREAM = Path("-")
PIECE = 1024 * 1024  # bytes
PREFIX = ".backup-"


def standard_input() -> BinaryIO:
    """Give standard input to read a copy from. Raises click.UsageError where a person would have to type it."""
    return _piped(sys.stdin, "A backup cannot be typed: give it on standard input, as in `restore - < queue.backup`.")


def standard_output() -> BinaryIO:
    """Give standard output to write a copy to. Raises click.UsageError where a terminal would show it."""
    how = "send it into a file, as in `backup - > queue.backup`."
    return _piped(sys.stdout, f"A backup cannot be read on a terminal: {how}")


def _piped(stream: TextIO, refusal: str) -> BinaryIO:
    if stream.isatty():
        raise click.UsageError(refusal)
    return stream.buffer


@contextmanager
def temporary_copy(folder: Path) -> Iterator[Path]:
    """Give a file to copy into, in a temporary folder below `folder`.

    Folders that a killed command left are removed too: each takes as much room as the queue, where nobody looks.
    """
    with ExitStack() as opened:
        # The folder is held, so that nobody takes away what is not held yet.
        with storage_errors(folder, "The queue's folder"), _held(folder):
            for left in folder.glob(f"{PREFIX}*"):
                with suppress(OSError), _held(left, fcntl.LOCK_NB):
                    shutil.rmtree(left)
            own = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX, dir=folder)))
            opened.enter_context(_held(own))
        yield own / "copy"


def send(file: Path, stream: BinaryIO, progress: Callable[[int, int], None]) -> None:
    """Write a whole file to standard output. Raises StorageUnavailable when nobody takes it to its end."""
    sent, total = 0, file.stat().st_size
    try:
        with file.open("rb") as source:
            while piece := source.read(PIECE):
                stream.write(piece)
                sent += len(piece)
                progress(sent, total)
        stream.flush()
    except OSError as error:
        _give_up_stdout()
        message = (
            f"Standard output took {sent:,} of {total:,} bytes and then no more ({error.strerror}): what came of the "
            "backup is not whole, so throw it away."
        )
        raise StorageUnavailable(message) from error


@contextmanager
def _held(folder: Path, flags: int = 0) -> Iterator[None]:
    """Hold the lock of a folder. With LOCK_NB it raises BlockingIOError while another process holds it."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | flags)
        yield
    finally:
        os.close(opened)


def _give_up_stdout() -> None:
    """Keep Python's own last flush from failing with a traceback (docs.python.org, note on SIGPIPE)."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
