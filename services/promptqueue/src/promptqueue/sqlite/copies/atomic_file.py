"""Files that appear under their name at once and complete, or not at all."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a file to write. It gets the name `path` once it is written and on the disk; if anything raises, it goes.

    Other users may not read it: it holds what the queue holds.
    """
    with temporary(path.with_name(f".{path.name}.{uuid.uuid4()}")) as unfinished:
        yield unfinished
        to_disk(unfinished)
        unfinished.replace(path)
        to_disk(path.parent)


@contextmanager
def temporary(path: Path) -> Iterator[Path]:
    """Give an empty file at `path` that other users may not read, and remove it unless it got another name."""
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        yield path
    finally:
        for each in (path, path.with_name(f"{path.name}-journal")):
            each.unlink(missing_ok=True)


def to_disk(path: Path) -> None:
    """Have what was written to a file, or a folder's names, be on the disk. Raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
