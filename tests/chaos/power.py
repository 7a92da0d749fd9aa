"""Power cuts: the product runs under strace, and its writes are replayed up to moments at which the power fails.

A copy of the files on this machine holds also what the kernel has and the disk has not. So what was written and what
was synced is recorded, and each replay leaves out of the unsynced what a disk might leave out.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from promptqueue import connect
from promptqueue.errors import StorageUnavailable
from support import ROOT
from support.stack import PROGRAMS, Stack
from support.waiting import until

from chaos.database import contents
from chaos.disk import Disk, Kept
from chaos.trace import STRACE, Told

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from simulator.client import Simulator

    from chaos.trace import Event

MEMORY = "/dev/shm"  # replays are opened by the thousand; nothing of them need outlive a power cut
MISSING = "strace cannot trace here; on Debian: apt-get install strace, and ptrace must be allowed"

PROGRAMS_OF_ALL = f"""
[supervisord]
nodaemon = true
logfile = /dev/null
loglevel = warn

[program:proxy]
command = gunicorn --config {ROOT}/services/proxy/gunicorn.conf.py proxy.wsgi:app
stdout_logfile = /dev/fd/1
stdout_logfile_maxbytes = 0
redirect_stderr = true

[program:worker]
command = python -m worker
stdout_logfile = /dev/fd/1
stdout_logfile_maxbytes = 0
redirect_stderr = true

[program:janitor]
command = python -m worker.janitor
stdout_logfile = /dev/fd/1
stdout_logfile_maxbytes = 0
redirect_stderr = true
"""


def strace() -> str | None:
    """Find a strace that may trace; None where there is none."""
    program = shutil.which("strace")
    if program is None or subprocess.run([program, "-qq", "-o", "/dev/null", "true"], check=False).returncode:
        return None
    return program


@contextmanager
def recorded(folder: Path, program: str, ollama: Simulator, *, journal_mode: str) -> Iterator[Stack]:
    """Have the whole product run under one strace, which writes to `folder/trace`; at the end it is killed."""
    stack = Stack(folder / "product", ollama, {"JOURNAL_MODE": journal_mode})
    config = folder / "supervisord.conf"
    config.write_text(PROGRAMS_OF_ALL)
    command = [program, *STRACE, "-o", str(folder / "trace"), str(PROGRAMS / "supervisord"), "-c", str(config)]
    try:
        stack._run("product", [*command, "-j", str(folder / "supervisord.pid")])
        until(lambda: stack.get("/readyz").status == 200, "the product is ready", 60)
        yield stack
    finally:
        stack.stop()


def keep_busy(stack: Stack, *, prompts: int, clients: int) -> None:
    """Let some clients hand in so many prompts each, one after the other, and read the answers of some."""

    def client() -> None:
        for number in range(prompts):
            prompt_id = stack.submit("Is it on the disk?", options={"num_predict": 5})
            if number % 5 == 0:
                stack.result(prompt_id)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def power_cuts(events: Sequence[Event], *, moments: int, seed: int) -> Iterator[str]:
    """Cut the power right after each answer and at so many other moments; what does not hold afterwards, in words."""
    random = Random(seed)
    answers = [number for number, event in enumerate(events) if isinstance(event, Told)]
    others = set(random.sample(range(answers[0], len(events)), min(moments, len(events) - answers[0])))
    disk, told = Disk(), set[Told]()
    with TemporaryDirectory(dir=MEMORY if Path(MEMORY).is_dir() else None) as folder:
        for number, event in enumerate(events):
            disk.take(number, event)
            if isinstance(event, Told):
                told.add(event)
            cuts = [Kept.NOTHING] if isinstance(event, Told) else list(Kept) if number in others else []
            for kept in cuts:
                for wrong in _wrong(disk.after_power_cut(kept, random), told, Path(folder) / f"{number}-{kept}"):
                    yield f"after event {number}, with {kept} of the unsynced kept: {wrong}"


def _wrong(files: dict[str, bytearray], told: set[Told], folder: Path) -> Iterator[str]:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    database = folder / "queue.db"
    try:
        connect(f"sqlite:///{database}").open().close()
    except StorageUnavailable as unavailable:
        yield f"it does not open: {unavailable}"
        return
    stored = contents(database)
    shutil.rmtree(folder)
    if stored.integrity != "ok":
        yield f"integrity_check says {stored.integrity}"
    for each in told:
        row = stored.prompts.get(each.prompt_id)
        if row is None:
            yield f"{each.prompt_id} was accepted and is lost"
        elif each.status == 200 and row["outcome"] != "succeeded":
            yield f"{each.prompt_id} was answered and is {row['status']}"
