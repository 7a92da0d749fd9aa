"""One HTTP request, read as Go's net/http reads it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from .errors import BadHead, Malformed

MAX_HEAD = (1 << 20) + 4096  # bytes, Go's DefaultMaxHeaderBytes and its slack
MAX_CHUNK_DIGITS = 16
NO_CHUNK = "malformed chunked encoding"
NO_SIZE = "empty hex number for chunk length"
ODD_SIZE = "invalid byte in chunk length"
LONG_SIZE = "http chunk length too large"
READ_AFTER_REFUSAL = 256 << 10  # bytes of a body that Go reads for the sake of the connection after the answer

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]+")
_HOST = re.compile(r"[!$%&'()*+,\-.0-9:;=A-Z\[\]_a-z~]*")
_VERSION = re.compile(r"HTTP/(\d)\.(\d)")

Receive = Callable[[], bytes]


@dataclass(kw_only=True)
class Request:
    """The head of a request, and its body once it is asked for."""

    method: str
    path: str
    query: str
    version: tuple[int, int]
    headers: list[tuple[str, str]]
    started: float = 0.0
    cors: list[tuple[str, str]] = field(default_factory=list)
    body_left: int | None = 0
    """Bytes that were not read yet; None: chunked."""
    expects: bool = False

    def header(self, name: str) -> str | None:
        """The first value under this name, in lower case."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def closes(self) -> bool:
        """Whether the client wants the connection closed after the answer."""
        said = (self.header("connection") or "").lower()
        return "close" in said or (self.version < (1, 1) and "keep-alive" not in said)


def parse_head(head: bytes) -> Request:
    """Read request line and headers.

    Raises:
        BadHead: with the status that Go answers.
    """
    first, *rest = head.decode("latin-1").split("\n")
    parts = first.rstrip("\r").split(" ")
    if len(parts) != 3 or not _TOKEN.fullmatch(parts[0]):  # noqa: PLR2004 (method, target, version)
        raise BadHead(400)
    method, target, version = parts
    found = _VERSION.fullmatch(version)
    if not found:
        raise BadHead(400)
    number = (int(found[1]), int(found[2]))
    headers = [_header(line) for line in _unfolded(rest)]
    if number[0] != 1 and not (method == "PRI" and target == "*"):
        raise BadHead(505, "unsupported protocol version")
    path, _, query = re.sub(r"^https?://[^/?]*", "", target).partition("?")
    request = Request(method=method, path=unquote(path) or "/", query=query, version=number, headers=headers)
    _check_host(request)
    _measure_body(request)
    return request


def read_chunked(take_line: Receive, take: Callable[[int], bytes]) -> Iterator[bytes]:
    """The chunks of a body.

    Raises:
        Malformed: with Go's words.
    """
    while size := _chunk_size(take_line()):
        yield take(size)
        if take_line().strip():
            raise Malformed(NO_CHUNK)
    while take_line().strip():
        pass


def _chunk_size(line: bytes) -> int:
    digits = line.split(b";")[0].rstrip(b" \t\r\n")
    if not digits:
        raise Malformed(NO_SIZE)
    if not _HEXADECIMAL.fullmatch(digits):
        raise Malformed(ODD_SIZE)
    if len(digits) > MAX_CHUNK_DIGITS:
        raise Malformed(LONG_SIZE)
    return int(digits, 16)


def _unfolded(lines: list[str]) -> list[str]:
    """The lines of a head, of which one that begins with a blank goes on with the one before."""
    whole: list[str] = []
    for line in (each.rstrip("\r") for each in lines if each.strip("\r")):
        if not line.startswith((" ", "\t")):
            whole.append(line)
        elif whole:
            whole[-1] = f"{whole[-1].rstrip()} {line.strip()}"
        else:
            raise BadHead(400)
    return whole


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise BadHead(400)
    if not _TOKEN.fullmatch(name):
        raise BadHead(400, "invalid header name")
    return name.lower(), value.strip(" \t")


def _check_host(request: Request) -> None:
    hosts = [value for name, value in request.headers if name == "host"]
    if len(hosts) > 1:
        raise BadHead(400)
    if not hosts and request.version >= (1, 1) and request.method != "PRI":
        raise BadHead(400, "missing required Host header")
    if hosts and not _HOST.fullmatch(hosts[0]):
        raise BadHead(400, "malformed Host header")


def _measure_body(request: Request) -> None:
    lengths = {value for name, value in request.headers if name == "content-length"}
    if len(lengths) > 1 or not all(value.isdigit() for value in lengths):
        raise BadHead(400)
    request.expects = (request.header("expect") or "").lower() == "100-continue"
    coding = request.header("transfer-encoding")
    if coding is not None and coding.lower() != "chunked":
        raise BadHead(501, text="Unsupported transfer encoding")
    if coding is not None:
        request.body_left = None
    else:
        request.body_left = int(next(iter(lengths), "0"))
