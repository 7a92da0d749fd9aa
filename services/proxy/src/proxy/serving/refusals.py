"""Answers to what a server cannot read as a request, and so never reaches the application."""

import socket
import time
from contextlib import suppress
from http import HTTPStatus

from pydantic_core import to_json

from proxy.serving.headers import CORS, FIXED, JSON, NEVER_STORED

HEARD_OUT_WITHIN = 1.0  # seconds

SENTENCES = {
    HTTPStatus.REQUEST_URI_TOO_LONG: "The address is longer than addresses may be. Send a shorter one.",
    HTTPStatus.EXPECTATION_FAILED: "Of expectations only 100-continue is met. Leave the header Expect out.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The headers are too long or too many. Send fewer.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The proxy made a mistake, and its log says more. Try again.",
    HTTPStatus.NOT_IMPLEMENTED: "This Transfer-Encoding is not known. Send the body chunked or whole.",
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED: "This version of HTTP is not spoken here. Use HTTP/1.1.",
}
ANY_OTHER = "The request is not well-formed HTTP. Send it again as it should be."


def refusal(status: int) -> tuple[dict[str, str], bytes]:
    """Write an error with this status; its headers and its body, after which the connection is to be closed."""
    is_ours = status == HTTPStatus.INTERNAL_SERVER_ERROR
    code, kind = ("internal_error", "server_error") if is_ours else ("invalid_request", "invalid_request_error")
    message = SENTENCES.get(HTTPStatus(status), ANY_OTHER)
    body = to_json({"error": {"code": code, "message": message, "type": kind, "param": None}})
    headers = {"Content-Type": JSON, "Content-Length": str(len(body)), "Cache-Control": NEVER_STORED}
    return {**headers, **FIXED, **CORS, "Connection": "close"}, body


def hear_out(client: socket.socket) -> None:
    """Read what a refused client still sends, for a second at most.

    A connection that is closed with something unread is reset, and the client may never see the answer.
    """
    deadline = time.monotonic() + HEARD_OUT_WITHIN
    with suppress(OSError):  # the client is gone, or a second is over
        client.shutdown(socket.SHUT_WR)
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(0)  # under gevent others would have no turn as long as there is something to read
            client.settimeout(left)
            if not client.recv(65_536):
                return
