"""The proxy's configuration: each field is the environment variable of its name in capitals."""

import re
from dataclasses import dataclass
from pathlib import Path

from promptqueue import check
from promptqueue.settings import Kind, Misconfigured, address, integer, number, one_of, variable

HERE = Path(__file__).resolve().parent
PAGES = (HERE / "index.html", HERE.parents[2] / "frontend" / "index.html")
"""Where the page may lie: in the installed package, or in the checkout."""

BASE_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+")
A_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
ANY_HOST = "*"
A_BASE_PATH = "a path such as /ollama, which begins with / and does not end with one, of letters, digits and -._~"

MOST_PROCESSES = 16  # the memory that compose.yaml gives the proxy holds no more
LONGEST_BODY = 32 * 1024 * 1024  # bytes, as nginx.conf has it
LONGEST_LINE = 1_000_000_000
GIB = 1024**3
LARGEST_DISK = 2**60  # bytes; more is a typing error
CONTEXT = 4096  # tokens that Ollama's models see unless it is told otherwise
MOST_STREAMS = 10_000  # a process has no more connections
LONGEST_CONTEXT = 2**31 - 1  # tokens


def _base_path(value: str) -> str:
    if not BASE_PATH.fullmatch(value):
        raise ValueError
    return value


def _hosts(value: str) -> tuple[str, ...]:
    found = tuple(each.strip().lower().removesuffix(".") for each in value.split(",") if each.strip())
    if not all(each == ANY_HOST or A_HOST.fullmatch(each) for each in found):
        raise ValueError
    return found


def _bound(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _context(value: str) -> int:
    return int(integer(0, LONGEST_CONTEXT).read(value)) or CONTEXT


def _file(value: str) -> str:
    if not Path(value).is_file():
        raise ValueError
    return value


@dataclass(frozen=True, kw_only=True)
class Config:
    """The proxy's settings. `max_streams` counts in each process.

    `patience` and `whole_patience` are in seconds: how long nothing is sent to a client of a face that reads a stream,
    and to one that waits for a whole answer.
    """

    database_url: str = variable(
        "sqlite:///data/queue.db", Kind(check, "like sqlite:////data/queue.db or postgresql://user@host/database")
    )
    journal_mode: str = variable("auto", one_of("auto", "wal", "persist"))
    log_level: str = variable("info", one_of("debug", "info", "warning", "error"))
    bind_address: str = variable("127.0.0.1", address())
    published_address: str = variable("", address())
    open_to_everybody: str = variable("no", one_of("yes", "no"))
    proxy_port: int = variable(8000, integer(1, 65535))
    allowed_hosts: tuple[str, ...] = variable(
        (), Kind(_hosts, "host names separated by commas, such as ai.example.com, or * for any")
    )
    proxy_processes: int = variable(1, integer(1, MOST_PROCESSES))
    max_prompt_bytes: int = variable(1_048_576, integer(1, LONGEST_BODY))
    max_queue_depth: int = variable(10_000, integer(1, LONGEST_LINE))
    max_stored_bytes: int = variable(4 * GIB, integer(1, LARGEST_DISK))
    min_free_bytes: int = variable(GIB // 2, integer(0, LARGEST_DISK))
    max_streams: int = variable(5_000, integer(1, MOST_STREAMS))
    patience: float = variable(15.0, number(0.1, 3600))
    whole_patience: float = variable(200.0, number(0.1, 3600))
    ollama_context_length: int = variable(
        CONTEXT, Kind(_context, f"a whole number from 1 to {LONGEST_CONTEXT}, or 0 for Ollama's own default")
    )
    base_path: str = variable("", Kind(_base_path, A_BASE_PATH))
    metrics_port: int = variable(0, integer(0, 65535))
    metrics_owners: str = variable("no", one_of("yes", "no"))
    metrics_address: str = variable("127.0.0.1", address())
    page_path: str = variable("", Kind(_file, "the path of a file"))

    def __post_init__(self) -> None:
        """Keep the doors apart. Raises Misconfigured."""
        if self.metrics_port == self.proxy_port:
            message = f"METRICS_PORT must be another port than PROXY_PORT, got {self.metrics_port} for both."
            raise Misconfigured(message)

    @property
    def bind(self) -> str:
        """The address as Gunicorn wants it, with an IPv6 one in brackets."""
        return _bound(self.bind_address, self.proxy_port)

    @property
    def metrics_bind(self) -> str:
        """Where metrics are read, as Gunicorn wants it."""
        return _bound(self.metrics_address, self.metrics_port)

    @property
    def published(self) -> str:
        """Where others may reach it: in a container it listens everywhere, and the host says where it is offered."""
        return self.published_address or self.bind_address

    @property
    def page(self) -> Path | None:
        """The page's file; None when this installation has none."""
        return Path(self.page_path) if self.page_path else next((path for path in PAGES if path.is_file()), None)
