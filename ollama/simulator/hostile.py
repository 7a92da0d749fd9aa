"""What no Ollama answers: strangers that stand where one should, and servers that mean harm."""

import itertools
import zlib
from collections.abc import Callable, Iterator
from functools import cache

from . import gojson
from .faults import Fault, Kind
from .request import Request
from .wire import JSON, NDJSON, Connection

BLOCK = 1 << 16  # bytes that are sent at once
BOMB = 300 << 20  # bytes that a bomb has once it is decompressed
BOMB_BLOCK = 1 << 20
LONG = 2_000_000  # characters of a long error
DRIP = 0.5  # seconds from one byte to the next
SECRET = "INTERNAL-SECRET: db password is hunter2\nroot:x:0:0"  # noqa: S105 (the one that must not be told)
BANNER = "SSH-2.0-OpenSSH_9.9 INTERNAL-SECRET\r\n"
PAGE = (
    "<html>\r\n<head><title>{0}</title></head>\r\n<body>\r\n<center><h1>{0}</h1></center>\r\n<hr><center>nginx/1.30.1"
    "</center>\r\n</body>\r\n</html>\r\n"
)


def answer(fault: Fault, connection: Connection, request: Request) -> bool:
    """Answer as the fault says; False when it is none of these.

    Raises:
        ClientGone: the client has left, which is the only end that the endless ones have.
    """
    match fault.kind:
        case Kind.REDIRECT:
            headers = [("Location", fault.text)] if fault.text is not None else []
            connection.answer(request, fault.status, headers=headers)
        case Kind.PAGE:
            page = fault.text or PAGE.format(f"{fault.status} {fault.phrase}")
            connection.answer(request, fault.status, page.encode(), content_type="text/html")
        case Kind.ERROR_OBJECT:
            error = {"message": fault.text or "Compute error.", "type": "server_error", "code": fault.status}
            connection.answer_json(request, fault.status, {"error": error})
        case Kind.LONG_ERROR:
            connection.answer_json(request, fault.status, {"error": (fault.text or "x") * LONG}, content_type=JSON)
        case Kind.FOREIGN:
            text = SECRET if fault.text is None else fault.text
            connection.answer(request, fault.status, text.encode(), content_type="text/plain")
        case _:
            return _stream(fault, connection, request)
    return True


def last_record(fault: Fault | None, line: bytes) -> bytes:
    """The final record with what the fault puts into it, and of two equal names the last one counts."""
    more = _MORE.get(fault.kind) if fault else None
    return line[:-1] + b"," + more() + b"}" if more else line


def _stream(fault: Fault, connection: Connection, request: Request) -> bool:
    blocks = _BLOCKS.get(fault.kind)
    if blocks is None:
        return False
    pause = DRIP if fault.kind in (Kind.DRIP, Kind.DRIP_HEAD) else 0.0
    for block in blocks(fault, request):
        connection.send(block)
        connection.wait(pause if fault.seconds is None else fault.seconds)
    connection.drop()
    return True


@cache
def bomb() -> bytes:
    """Some hundred kilobytes that grow by a thousand times: gzip's head, and one block of blanks again and again."""
    packer = zlib.compressobj(9, wbits=31)
    head = packer.compress(b" ") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b" " * BOMB_BLOCK) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * (BOMB // BOMB_BLOCK)


def _tokens(text: str, request: Request) -> bytes:
    said = {"message": {"content": text}} if request.path == "/api/chat" else {"response": text}
    line = gojson.dumps({"model": "llama3.2", **said, "done": False}) + b"\n"
    return line * max(1, BLOCK // len(line))


def _after(*first: bytes, block: bytes) -> Iterator[bytes]:
    return itertools.chain([_START, *first], itertools.repeat(block))


_START = f"HTTP/1.1 200 OK\r\nContent-Type: {NDJSON}\r\n".encode()
_LAST = b"Connection: close\r\n\r\n"  # of a head; the body ends with the connection

_BLOCKS: dict[Kind, Callable[[Fault, Request], Iterator[bytes]]] = {
    Kind.BOMB: lambda *_: iter([_START, b"Content-Encoding: gzip\r\n", _LAST, bomb()]),
    Kind.ENDLESS_LINE: lambda *_: _after(_LAST, b'{"response":"', block=b"x" * BLOCK),
    Kind.ENDLESS_TOKENS: lambda fault, request: _after(_LAST, block=_tokens(fault.text or "word ", request)),
    Kind.ENDLESS_VALUES: lambda *_: iter([_START, _LAST, b'{"response":"","odd":[', b"[]," * (3 << 20), b"0]}\n"]),
    Kind.ENDLESS_HEAD: lambda *_: itertools.chain(
        [_START], (b"X-%d: %b\r\n" % (number, b"x" * 60_000) for number in itertools.count())
    ),
    Kind.ENDLESS_CHUNK_SIZE: lambda *_: _after(b"Transfer-Encoding: chunked\r\n\r\n5;", block=b"x" * BLOCK),
    Kind.CONTINUES: lambda *_: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    Kind.DRIP: lambda *_: _after(_LAST, b'{"version":"', block=b"x"),
    Kind.DRIP_HEAD: lambda *_: _after(b"X-Drip: ", block=b"x"),
    Kind.NO_HTTP: lambda fault, _: iter([(BANNER if fault.text is None else fault.text).encode()]),
}

_MORE: dict[Kind, Callable[[], bytes]] = {
    Kind.DEEP_RECORD: lambda: b'"odd":' + b"[" * 300 + b"]" * 300,
    Kind.DEEP_TOOL_CALL: lambda: (
        b'"tool_calls":[{"function":{"name":"f","arguments":{"x":' + b"[" * 300 + b"]" * 300 + b"}}}]"
    ),
    Kind.NOT_A_NUMBER: lambda: b'"eval_count":NaN,"total_duration":Infinity,"load_duration":-Infinity,"odd":1e999',
    Kind.HUGE_NUMBER: lambda: b'"eval_count":%d,"total_duration":%b' % (2**70, b"9" * 5000),
    Kind.MANY_FIELDS: lambda: b",".join(b'"odd%d":%d' % (each, each) for each in range(100_000)),
    Kind.OUR_FIELDS: lambda: b'"id":"theirs","status":"queued","outcome":"failed","error":null',
    Kind.LONE_SURROGATE: lambda: b'"model":"\\ud83d","\\udc00":"\\udc00"',
}
