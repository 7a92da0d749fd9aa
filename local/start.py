"""Run the product on plain processes: `run` with your own Ollama, `demo` with the simulator in its place."""

from __future__ import annotations

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there is something to end, Ctrl+C ends this without a word

import contextlib
import errno
import fcntl
import os
import shlex
import socket
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit

import proxy.config
import worker.config
from promptqueue.settings import read_or_exit, without_secrets
from promptqueue.sqlite.storage import path_of
from proxy.access import published
from worker.config import without_password
from worker.ollama.call_end import OllamaFailed
from worker.ollama.client import Ollama

from local.product import STARTS_WITHIN, Product
from local.settings import Misread, merged

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
DEMO = "sqlite:///data/demo/queue.db"


def main(kind: str) -> int:
    environment = settings(kind, ROOT / ".env")
    # Here, once, instead of by every process that would end of it.
    served, worked = (read_or_exit(each, environment) for each in (proxy.config.Config, worker.config.Config))
    host, port = served.bind_address, served.proxy_port
    refuse_taken(host, port)
    if served.metrics_port:
        refuse_taken(served.metrics_address, served.metrics_port, ("METRICS_ADDRESS", "METRICS_PORT"))
    if (folder := ROOT / "data") in folders_of(served.database_url):
        make_data_folder(folder)
    published.check(served, environment)
    append(sys.stdout, sys.stderr)
    with tempfile.TemporaryDirectory(prefix="ollama-proxy-") as scratch:
        product = Product(f"local/{kind}.conf", environment, Path(scratch), drain=worked.drain_seconds)
        try:
            if product.answers(f"http://{probed(host)}:{port}/healthz"):
                whence = "from the simulator: they are made up" if kind == "demo" else answers_from(worked)
                print(words(reachable(host), port, whence, served.database_url), flush=True)
            elif product.is_wanted:
                seconds = f"{STARTS_WITHIN:g} seconds"
                print(f"The proxy did not answer within {seconds}; the log above says why.", file=sys.stderr)
            return product.wait()
        finally:  # whatever ends this, be it that nobody reads what it says, ends the product too
            product.end()


def settings(kind: str, file: Path) -> dict[str, str]:
    try:
        environment, passed_over = merged(os.environ, file)
    except Misread as misread:
        print(misread, file=sys.stderr)
        sys.exit(2)
    if file.exists():
        but = f", but for {' and '.join(passed_over)}: only containers know what is named there" if passed_over else ""
        print(f"Settings are taken from {file.name}{but}.", flush=True)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    if kind == "demo":
        environment |= {"SIMULATOR_PORT": str(free_port()), "DATABASE_URL": DEMO}
        environment["OLLAMA_URLS"] = f"http://127.0.0.1:{environment['SIMULATOR_PORT']}"
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT / "ollama"), os.environ.get("PYTHONPATH")]))
    return environment


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def refuse_taken(host: str, port: int, settings: tuple[str, str] = ("BIND_ADDRESS", "PROXY_PORT")) -> None:
    of_host, of_port = settings
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            what_to_do = f"Choose another: make {of_port}={port + 1} …"
            match error.errno:
                case errno.EADDRINUSE:
                    reason = f"Port {port} on {host} is taken by another program. {what_to_do}"
                case errno.EADDRNOTAVAIL:
                    reason = f"{host} is no address of this machine. Set {of_host} to one, or leave it out."
                case errno.EACCES:
                    reason = f"Port {port} is kept for root. Choose one from 1024 on: make {of_port}=8000 …"
                case _:
                    reason = f"Port {port} on {host} cannot be used ({error.strerror}). {what_to_do}"
            sys.exit(reason)


def folders_of(database: str) -> Sequence[Path]:
    """Give the folders that the queue lies in, if it is a file."""
    return (ROOT / path_of(database)).parents if database.startswith("sqlite:") else ()


def make_data_folder(folder: Path) -> None:
    """Make it for its owner alone; one of an older version that was open to everybody is closed."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_mode & stat.S_IRWXO:
            folder.chmod(0o700)
    except OSError as error:
        sys.exit(f"The folder {folder} cannot be made ({error.strerror}). It is where the queue lives.")


def append(*streams: TextIO) -> None:
    """Have whatever is written to a file go to its end.

    supervisord opens the file anew for the lines of its programs, and appends. Whoever writes through the first
    opening, which has a place of its own in the file, would write over them.
    """
    for stream in streams:
        with contextlib.suppress(OSError, ValueError):  # nothing that is open
            fcntl.fcntl(stream, fcntl.F_SETFL, fcntl.fcntl(stream, fcntl.F_GETFL) | os.O_APPEND)


def probed(host: str) -> str:
    """Where the proxy surely answers, and nobody else."""
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (compared)
    return f"[{local}]" if ":" in local else local


def reachable(host: str) -> str:
    if host in ("127.0.0.1", "0.0.0.0", "::"):  # noqa: S104 (compared)
        return "localhost"
    return f"[{host}]" if ":" in host else host


def answers_from(worked: worker.config.Config) -> str:
    """Say whether the Ollama answers, by asking it; if it does not, why, and what to do."""
    answering, silent = [], []
    for url, _ in worked.ollama_urls:
        shown = without_password(url)
        try:
            Ollama.of(worked, url).version()
            answering.append(f"from the Ollama at {shown}")
        except OllamaFailed as failed:
            silent.append(f"The Ollama at {shown} does not answer:\n            {failed.end.cause}")
    if not answering:
        silent[0] = f"none yet, prompts wait. {silent[0]}"
    return "\n            ".join(answering + silent)


def words(host: str, port: int, whence: str, database: str) -> str:
    shown = without_secrets(database) if urlsplit(database).password or "password=" in database else database
    variable = "" if database == proxy.config.Config().database_url else f"DATABASE_URL={shlex.quote(shown)} "
    return (
        f"\n  Page:     http://{host}:{port}\n  Answers:  {whence}\n"
        f"  Queue:    {variable}.venv/bin/python -m promptqueue status\n  Stop:     Ctrl+C\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
