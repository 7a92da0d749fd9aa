"""python -m simulator: run it."""

import argparse
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from . import settings
from .server import Server


def main() -> int:
    """Serve until a signal comes; say where on the first line of the output."""
    parser = argparse.ArgumentParser(prog="simulator", description="A model server without a model.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=11434, help="port to listen on, 0 for a free one (default: 11434)")
    parser.add_argument("--journal", type=Path, help="file to append each call to, at its turns (default: none)")
    settings.add_options(parser)
    options = parser.parse_args()
    try:
        server = Server(settings.from_options(options), host=options.host, port=options.port, journal=options.journal)
    except OSError as error:
        words = f"cannot listen on {options.host}:{options.port}: {error.strerror}"
        print(_line("ERROR", words), file=sys.stderr)  # noqa: T201
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        # As the real one: all connections end at once, without a last chunk.
        signal.signal(number, lambda *_: os._exit(0))
    # A signal between two looks would else be heard only when the next client comes.
    signal.set_wakeup_fd(server.bell.writing, warn_on_full_buffer=False)
    host = f"[{server.host}]" if ":" in server.host else server.host
    print(_line("INFO", f"listening on http://{host}:{server.port}"), flush=True)  # noqa: T201
    server.serve()
    return 0


def _line(level: str, words: str) -> str:
    """In the form of the lines beside which `make demo` shows it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + f"Z {level} simulator {words}"


if __name__ == "__main__":
    sys.exit(main())
