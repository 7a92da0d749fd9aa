"""Speaking to Ollama: the only file that does, and the only one that knows `requests`."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from worker.verdict import How, Seen

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

PROBE_TIMEOUT = 5.0  # seconds; a server that starts up accepts connections long before it answers
LOAD_TIMEOUT = 10.0  # seconds; a model that takes longer is loaded by whatever prompt comes first
QUESTION_TIMEOUT = 10.0  # seconds; /api/show of a large model reads its files
UNLOAD_TIMEOUT = 5.0  # seconds; answered in 1 ms, and the model goes when its last user has
READ_SIZE = 64 * 1024  # bytes; at most: what has come is handed on at once
LONGEST_ERROR = 4_000  # characters of an error that are kept

HEADERS = {"Cache-Control": "no-store", "Accept": "application/x-ndjson, application/json"}


class OllamaFailed(Exception):
    """A call to Ollama came to a bad end, which `seen` describes."""

    def __init__(self, seen: Seen) -> None:
        """Carry what was seen."""
        super().__init__(f"{seen.how} {seen.status or ''} {seen.words}".strip())
        self.seen = seen


class Plug:
    """The socket of one call, for another thread to pull: the call then ends at once, whatever it waits for.

    Closing a response or a session does not do: before the first byte Ollama sends not even a status line, and the read
    that waits for it goes on until its own time is up.
    """

    def __init__(self) -> None:
        """Begin unconnected."""
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.pulled = False
        self.connected_at: float | None = None  # by the monotonic clock

    def connected(self, connection: socket.socket) -> None:
        """Take the call's socket."""
        with self._lock:
            self.connected_at = time.monotonic()
            self._socket = connection
            if self.pulled:
                _shut_down(connection)

    def pull(self) -> None:
        """End the call. One that has not connected yet ends as soon as it has."""
        with self._lock:
            self.pulled = True
            if self._socket is not None:
                _shut_down(self._socket)

    def be_patient(self, seconds: float) -> None:
        """Let the call be silent for so long from now on. For the thread that reads."""
        with self._lock:
            if self._socket is not None:
                self._socket.settimeout(seconds)

    def let_go(self) -> None:
        """Forget the socket, before it is closed and its number goes to somebody else."""
        with self._lock:
            self._socket = None


class Ollama:
    """One Ollama server, spoken to by one thread. Every method may raise OllamaFailed."""

    def __init__(self, url: str, *, connect_timeout: float, probe_timeout: float = PROBE_TIMEOUT) -> None:
        """Speak to the server at `url`; nothing is sent yet."""
        self._url = url
        self._connect_timeout = connect_timeout
        self._probe_timeout = probe_timeout
        self._questions = _session()
        self._calls = _session()
        self._adapter = _PluggedAdapter()
        for scheme in ("http://", "https://"):
            self._calls.mount(scheme, self._adapter)
        self._prepared: dict[str, requests.PreparedRequest] = {}  # by path

    def stream(
        self, path: str, body: Mapping[str, Any], plug: Plug, *, read_timeout: float | None = None
    ) -> Generator[dict[str, Any]]:
        """Yield the records that Ollama streams, over a connection of its own that may be silent for `read_timeout` s.

        Leaving the iteration closes the connection, and that frees the model. Whoever reads waits for nothing else: a
        reader that lags can leave Ollama's only slot taken for ever.
        """
        request, timeouts = self._request(path, body), (self._connect_timeout, read_timeout)
        try:
            with self._adapter.plugged(plug), self._calls.send(request, stream=True, timeout=timeouts) as response:
                if response.status_code != requests.codes.ok:
                    raise _rejected(response)
                try:
                    for line in _lines(response):
                        if line.strip():
                            yield _record(line)
                finally:
                    plug.let_go()
        except (requests.RequestException, HTTPError, OSError) as error:
            how = How.NOT_CONNECTED if plug.connected_at is None else How.BROKEN
            raise OllamaFailed(Seen(how=how, words=_reason(error))) from error

    def pull(self, model: str, plug: Plug, *, patience: float) -> Generator[dict[str, Any]]:
        """Yield the records of a download, whose last one says "success"; an error comes as late as there is one.

        It may be silent for `patience` seconds, until `plug` is told otherwise.
        """
        return self.stream("/api/pull", {"model": model, "stream": True}, plug, read_timeout=patience)

    def version(self) -> str:
        """Ask for the version: whether the server answers at all."""
        return str(self._ask("GET", "/api/version", timeout=self._probe_timeout).get("version"))

    def lists(self, model: str) -> bool:
        """Tell whether the model is installed; its files may be broken all the same."""
        return any(_same(model, listed.get("name")) for listed in self._ask("GET", "/api/tags").get("models") or [])

    def show(self, model: str) -> None:
        """Have the model's files looked at, which since 0.30 fails when they are broken."""
        self._ask("POST", "/api/show", {"model": model})

    def processor(self, model: str) -> str | None:
        """Say what the loaded model runs on: cpu, gpu or mixed; None while it is not loaded."""
        for loaded in self._ask("GET", "/api/ps").get("models") or []:
            if _same(model, loaded.get("name")):
                on_gpu, size = loaded.get("size_vram") or 0, loaded.get("size") or 0
                return "cpu" if on_gpu == 0 else "gpu" if on_gpu >= size else "mixed"
        return None

    def load(self, model: str) -> None:
        """Have the model loaded, and nothing asked of it: whether it can be."""
        self._ask("POST", "/api/generate", {"model": model}, timeout=LOAD_TIMEOUT)

    def unload(self, model: str) -> None:
        """Have the model unloaded once nobody uses it: a wedged runner or a lost slot heals by it."""
        self._ask("POST", "/api/generate", {"model": model, "keep_alive": 0}, timeout=UNLOAD_TIMEOUT)

    def _request(self, path: str, body: Mapping[str, Any]) -> requests.PreparedRequest:
        """Prepare a call. All but the body is prepared once, for it takes longer than to connect."""
        if path not in self._prepared:
            self._prepared[path] = self._calls.prepare_request(requests.Request("POST", self._url + path))
        request = self._prepared[path].copy()
        request.prepare_body(data=None, files=None, json=body)
        return request

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, timeout: float = QUESTION_TIMEOUT
    ) -> dict[str, Any]:
        connect_timeout = min(timeout, self._connect_timeout)
        try:
            response = self._questions.request(method, self._url + path, json=body, timeout=(connect_timeout, timeout))
        except (requests.RequestException, HTTPError, OSError) as error:
            raise OllamaFailed(Seen(how=How.NOT_CONNECTED, words=_reason(error))) from error
        if response.status_code != requests.codes.ok:
            raise _rejected(response)
        return _record(response.content)


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy for the outside world does not know the model server; and no .netrc is read
    session.headers.update(HEADERS)
    return session


class _PluggedAdapter(HTTPAdapter):
    """Hands the socket of each connection to a Plug as soon as it is connected."""

    def __init__(self) -> None:
        self.plug = Plug()  # of the call that is made
        super().__init__(pool_connections=1, pool_maxsize=1)

    @contextlib.contextmanager
    def plugged(self, plug: Plug) -> Iterator[None]:
        """Make one connection inside, which `plug` can end; it is closed on the way out."""
        self.plug = plug
        try:
            yield
        finally:
            self.close()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        adapter = self

        class PluggedConnection(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                adapter.plug.connected(self.sock)

        class PluggedTLSConnection(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                adapter.plug.connected(self.sock)

        class PluggedPool(HTTPConnectionPool):
            ConnectionCls = PluggedConnection

        class PluggedTLSPool(HTTPSConnectionPool):
            ConnectionCls = PluggedTLSConnection

        self.poolmanager.pool_classes_by_scheme = {"http": PluggedPool, "https": PluggedTLSPool}


def _shut_down(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # closed already, by the other side or ours
        socket.socket.shutdown(connection, socket.SHUT_RDWR)  # below TLS, whose own goodbye would wait for its turn


def _lines(response: requests.Response) -> Iterator[bytes]:
    """Yield each line as soon as it has come, however the body is delimited.

    `Response.iter_lines` waits for its chunk size, or for the end, unless the body is chunked. Ollama's is; that of
    something in between may not be. On bytes: as text, it would also split at separators that Ollama leaves in.
    """
    begun: list[bytes] = []
    for piece in _pieces(response):
        *ended, rest = piece.split(b"\n")
        for line in ended:
            yield b"".join((*begun, line))
            begun.clear()
        if rest:
            begun.append(rest)
    yield b"".join(begun)


def _pieces(response: requests.Response) -> Iterator[bytes]:
    if response.raw.chunked:
        yield from response.iter_content(READ_SIZE)  # chunk by chunk, and at less cost
    else:
        while piece := response.raw.read1(READ_SIZE, decode_content=True):
            yield piece


def _record(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise OllamaFailed(Seen(how=How.GIBBERISH, words=line[:LONGEST_ERROR].decode(errors="replace")))
    if record.get("error") is not None:
        raise OllamaFailed(Seen(how=How.ERROR_LINE, words=_text(record["error"])))
    return record


def _rejected(response: requests.Response) -> OllamaFailed:
    words, in_json = response.content.decode(errors="replace"), False
    try:
        match response.json():
            case {"error": said}:
                words, in_json = _text(said), isinstance(said, str)
    except ValueError:
        pass  # not every error of Ollama's is JSON
    seen = Seen(how=How.REJECTED, status=response.status_code, words=words[:LONGEST_ERROR], in_json=in_json)
    return OllamaFailed(seen)


def _text(said: object) -> str:
    return said if isinstance(said, str) else json.dumps(said)


def _reason(error: Exception) -> str:
    """Find the innermost words: the outer ones name pools and retries, which tell nobody anything."""
    inner: object = error
    while True:
        deeper = getattr(inner, "reason", None) or next(
            (a for a in getattr(inner, "args", ()) if isinstance(a, Exception)), None
        )
        if not isinstance(deeper, Exception):
            break
        inner = deeper
    *_, words = getattr(inner, "args", ()) or ("",)
    if not isinstance(words, str):
        words = str(inner)
    # Of the last argument's words: a time-out while connecting puts the connection itself before its own.
    return re.sub(r"\[Errno -?\d+\] ", "", words.rsplit(": ", maxsplit=1)[-1])


def _same(model: str, name: object) -> bool:
    return isinstance(name, str) and _full(model) == _full(name)


def _full(name: str) -> str:
    return (name if ":" in name.rsplit("/", maxsplit=1)[-1] else f"{name}:latest").lower()
