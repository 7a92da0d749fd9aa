"""A disk that turns read-only under open files, for some processes, and writable again."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from support.machine import needed, unable
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from support.processes import Process

FILES = ("queue.db", "queue.db-wal", "queue.db-shm", "queue.db-journal", "turn.lock", "main.lock", "use.lock")
WRITING = "openat,write,pwrite64,writev,pwritev,ftruncate,fallocate,unlink"


@contextmanager
def turned_read_only(data: Path, processes: Iterable[Process]) -> Iterator[None]:
    """Let every write of these processes to the queue's files fail with EROFS, and every attempt to open one.

    The kernel turns no disk read-only while a file on it is open for writing, unless the disk breaks, and then it
    cannot be made writable again in place. So it is strace that has the calls fail.
    """
    command = [
        needed("strace"),
        "-f",
        "-o",
        "/dev/null",
        "-e",
        f"trace={WRITING}",
        "-e",
        f"inject={WRITING}:error=EROFS",
    ]
    command += [part for name in FILES for part in ("-P", str(data / name))]
    traced = [process.pid for process in processes]
    command += [part for pid in traced for part in ("-p", str(pid))]
    said = data.parent / "strace.log"
    with said.open("wb") as log:
        strace = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        until(lambda: _has_attached(strace, said, traced), f"strace has attached: {said}")
        yield
    finally:
        strace.terminate()
        strace.wait(10)


def _has_attached(strace: subprocess.Popen[bytes], said: Path, traced: list[int]) -> bool:
    text = said.read_text()
    if strace.poll() is not None:
        unable(f"strace may not attach here: {text.strip()}")
    return all(f"Process {pid} attached" in text for pid in traced)
