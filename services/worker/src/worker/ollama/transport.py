"""HTTP as far as Ollama is trusted with it: no redirect, no cookie, no proxy; each call a connection of its own."""

from __future__ import annotations

import contextlib
import http.client
import http.cookiejar
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from worker.ollama.call_end import CallEnd, EndKind, OllamaFailed
from worker.ollama.plug import Plug
from worker.ollama.remedy import advised
from worker.ollama.reply import Reply
from worker.ollama.trust import Trust

HEADERS = {
    "Cache-Control": "no-store",
    "Accept": "application/x-ndjson, application/json",
    "Accept-Encoding": "identity",  # what something in between compresses it also holds back
}
LONGEST_ADDRESS = 200  # characters of one that is shown

SIGNS_OF_LIFE = {
    "TCP_KEEPIDLE": 3,
    "TCP_KEEPALIVE": 3,
    "TCP_KEEPINTVL": 2,
    "TCP_KEEPCNT": 4,
    "TCP_USER_TIMEOUT": 11_000,
}
"""Seconds of silence, by two names, seconds between two questions, and how many; and milliseconds for which what was
sent may stay without a receipt. The server's machine gives both, however busy the server is. Not every system knows
each of them."""


class Transport:
    """The way to one server. For one thread at a time."""

    def __init__(self, url: str, *, connect_timeout: float, trust: Trust) -> None:
        """Speak to the server at `url`; nothing is sent yet."""
        self._url = url
        self._connect_timeout = connect_timeout
        self._trust = trust
        self._session = _Session()
        self._adapter: _PluggedAdapter | None = None
        self._prepared: dict[tuple[str, str], requests.PreparedRequest] = {}  # by method and path

    @contextlib.contextmanager
    def sent(self, method: str, path: str, body: Mapping[str, Any] | None, plug: Plug) -> Iterator[Reply]:
        """Send a request; inside, its reply can be read, and on the way out its connection is closed.

        Raises OllamaFailed: there was no reply, its status was not 200, or it broke off.
        """
        try:
            with self._plugged(plug) as adapter:
                adapter.plug = plug
                request, timeouts = self._request(method, path, body), (self._connect_timeout, None)
                with self._session.send(request, stream=True, timeout=timeouts) as response:
                    reply = Reply(response, plug)
                    if response.status_code != requests.codes.ok:
                        raise OllamaFailed(reply.rejection(self._elsewhere(response, path)))
                    yield reply
        except (requests.RequestException, HTTPError, OSError) as error:
            raise OllamaFailed(_end(error, self._url, is_connected=plug.connected_at is not None)) from error

    @contextlib.contextmanager
    def _plugged(self, plug: Plug) -> Iterator[_PluggedAdapter]:
        if self._adapter is None:
            # Only now: the certificates may be a file that cannot be read, and take time and megabytes if it can.
            self._adapter = _PluggedAdapter(self._trust.context if self._url.lower().startswith("https:") else None)
            for scheme in ("http://", "https://"):
                self._session.mount(scheme, self._adapter)
        try:
            yield self._adapter
        finally:
            plug.let_go()
            self._adapter.close()

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None) -> requests.PreparedRequest:
        """Prepare a call. All but the body is prepared once, for it takes longer than to connect."""
        if (method, path) not in self._prepared:
            self._prepared[method, path] = self._session.prepare_request(requests.Request(method, self._url + path))
        request = self._prepared[method, path].copy()
        if body is not None:
            request.prepare_body(data=None, files=None, json=body)
        return request

    def _elsewhere(self, response: requests.Response, path: str) -> str:
        """Say where a redirect leads, as the address that OLLAMA_URLS should have; "" if it is not a redirect."""
        location = response.headers.get("Location")
        if not location or response.status_code // 100 != 3:  # noqa: PLR2004 (HTTP's own number)
            return ""
        try:
            parts = urlsplit(urljoin(self._url + path, location))
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https"):
            return "it redirects to something that is not an address"
        host = f"[{host}]" if ":" in host else host
        address = f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.removesuffix(path)}"
        address = re.sub(r"[^!-~]", "", address)[:LONGEST_ADDRESS].rstrip("/")
        return f"it redirects to {address}; put that address into OLLAMA_URLS"


class _Session(requests.Session):
    """A plain session that goes nowhere else, keeps nothing, and reads no file of its user's."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # a proxy for the outside world does not know the model server; and no .netrc is read
        self.max_redirects = 0
        self.headers.update(HEADERS)
        self.cookies.set_policy(_NoCookies())

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Give none: the body of a redirect is read even where it is not followed, however long it is."""


class _NoCookies(http.cookiejar.DefaultCookiePolicy):
    def set_ok(self, *_: Any) -> bool:
        return False


class _PluggedAdapter(HTTPAdapter):
    """Hands the socket of each connection to a Plug as soon as there is one."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.plug = Plug()  # of the call that is made
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=1)

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """Leave it to the context, which knows whom to trust."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, socket_options=_options(), **kwargs)
        adapter = self

        def plugged(kind: Any) -> Any:
            class Plugged(kind):  # type: ignore[misc]  # of either kind
                def _new_conn(self) -> socket.socket:
                    connection: socket.socket = super()._new_conn()
                    adapter.plug.reached(connection)
                    return connection

                def connect(self) -> None:
                    super().connect()
                    adapter.plug.connected()

            return Plugged

        class Pool(HTTPConnectionPool):
            ConnectionCls = plugged(HTTPConnection)

        class TLSPool(HTTPSConnectionPool):
            ConnectionCls = plugged(HTTPSConnection)

        self.poolmanager.pool_classes_by_scheme = {"http": Pool, "https": TLSPool}


def _options() -> list[tuple[int, int, int]]:
    """Have the system notice a machine that is gone without a word: a call may else wait for its answer for an hour."""
    known = [(getattr(socket, name), value) for name, value in SIGNS_OF_LIFE.items() if hasattr(socket, name)]
    alive = (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return [*HTTPConnection.default_socket_options, alive, *((socket.IPPROTO_TCP, *each) for each in known)]


def _end(error: Exception, url: str, *, is_connected: bool) -> CallEnd:
    """Give the end that an error means. Only a failed connection has words: later errors quote what was sent."""
    inner = _innermost(error)
    if not is_connected:
        return CallEnd(kind=EndKind.NOT_CONNECTED, words=advised(url, _reason(inner)))
    cut_off = (http.client.RemoteDisconnected, http.client.IncompleteRead)
    if isinstance(inner, http.client.HTTPException) and not isinstance(inner, cut_off):
        return CallEnd(kind=EndKind.GIBBERISH, words="the model server does not speak HTTP")
    return CallEnd(kind=EndKind.BROKEN)


def _innermost(error: Exception) -> Exception:
    """Find the first cause: the outer ones name pools and retries, which help nobody."""
    while True:
        deeper = getattr(error, "reason", None) or next(
            (each for each in error.args if isinstance(each, Exception)), None
        )
        if not isinstance(deeper, Exception):
            return error
        error = deeper


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message}); name whoever signed it in OLLAMA_CA_FILE"
    *_, words = error.args or ("",)
    if not isinstance(words, str):
        words = str(error)
    # The last argument: a time-out while connecting puts the connection itself before its words.
    return re.sub(r"\[Errno -?\d+\] ", "", words.rsplit(": ", maxsplit=1)[-1])
