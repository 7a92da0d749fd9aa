"""Requests that are broken on the wire: each gets its answer, none is a 500, none changes the queue."""

import contextlib
import http.client
import select
import socket

import pytest

POST = b"POST /api/v1/prompt HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
WHY = b'{"prompt": "Why?"}'
MEGABYTE = 1024 * 1024

ENDS_EARLY = {
    "length, nothing": POST + b"Content-Length: 18\r\n\r\n",
    "length, cut": POST + b"Content-Length: 100\r\n\r\n" + WHY,
    "length, cut inside": POST + b"Content-Length: 18\r\n\r\n" + WHY[:5],
    "chunks, none": CHUNKED,
    "chunks, no last": CHUNKED + b"12\r\n" + WHY + b"\r\n",
    "chunks, half of the last": CHUNKED + b"12\r\n" + WHY + b"\r\n0\r\n",
    "chunk cut": CHUNKED + b"12\r\n" + WHY[:5],
    "chunk size cut": CHUNKED + b"1",
    "chunk too short": CHUNKED + b"11\r\n" + WHY + b"\r\n0\r\n\r\n",
    "chunk too long": CHUNKED + b"13\r\n" + WHY + b"\r\n0\r\n\r\n",
    "chunk of no size": CHUNKED + b"\r\n" + WHY + b"\r\n0\r\n\r\n",
    "chunk of odd size": CHUNKED + b"xyz\r\n" + WHY + b"\r\n0\r\n\r\n",
    "chunk of negative size": CHUNKED + b"-12\r\n" + WHY + b"\r\n0\r\n\r\n",
    "chunk of hexadecimal size": CHUNKED + b"0x12\r\n" + WHY + b"\r\n0\r\n\r\n",
    "chunk size with a space": CHUNKED + b" 12\r\n" + WHY + b"\r\n0\r\n\r\n",
    "odd chunk extension": CHUNKED + b"12;=\x01\r\n" + WHY + b"\r\n0\r\n\r\n",
    "endless chunk size": CHUNKED + b"1" * 8_300,
    "odd trailer": CHUNKED + b"12\r\n" + WHY + b"\r\n0\r\nodd trailer\r\n\r\n",
    "trailer with bare LF": CHUNKED + b"12\r\n" + WHY + b"\r\n0\r\na: b\n\r\n",
    "huge trailer": CHUNKED + b"12\r\n" + WHY + b"\r\n0\r\n" + b"a: b\r\n" * 500 + b"\r\n",
}

# Gunicorn itself answers these, before the application is asked. 501 and 505 are what HTTP wants for two of them.
ANSWERED_BY_GUNICORN = {
    "no HTTP": b"nonsense\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 50 + b"\r\n\r\n",
    "small letters": b"post /api/v1/prompt HTTP/1.1\r\nHost: x\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "old version": b"GET / HTTP/0.9\r\n\r\n",
    "newer version": b"GET / HTTP/3.0\r\n\r\n",
    "bare LF": b"GET / HTTP/1.1\nHost: x\n\n",
    "space before colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "folded header": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
    "NUL in header": b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
    "header without colon": b"GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "too many headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 10_000 + b"\r\n\r\n",
    "long address": b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "two lengths": POST + b"Content-Length: 18\r\nContent-Length: 19\r\n\r\n" + WHY,
    "length and chunks": POST
    + b"Content-Length: 18\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n"
    + WHY
    + b"\r\n0\r\n\r\n",
    "negative length": POST + b"Content-Length: -1\r\n\r\n" + WHY,
    "odd length": POST + b"Content-Length: 1e1\r\n\r\n" + WHY,
    "huge length": POST + b"Content-Length: " + b"9" * 50 + b"\r\n\r\n" + WHY,
    "unknown coding": POST + b"Transfer-Encoding: snappy\r\n\r\n" + WHY,
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "odd expectation": POST + b"Expect: miracles\r\nContent-Length: 18\r\n\r\n" + WHY,
    "two schemes": b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
}

MORE = [b"x" * 20_000] * 10

GOES_ON = {
    "a head of 40 KB": [b"GET /healthz HTTP/1.1\r\nHost: x\r\n", *[b"A: " + b"b" * 8_000 + b"\r\n"] * 5, b"\r\n"],
    "a head of 400 KB": [b"GET /healthz HTTP/1.1\r\nHost: x\r\n", *[b"A: " + b"b" * 8_000 + b"\r\n"] * 50, b"\r\n"],
    **{name: [ANSWERED_BY_GUNICORN[name], *MORE] for name in ("no HTTP", "too many headers", "two lengths")},
    "odd chunks": [CHUNKED + b"xyz\r\n", *MORE],
    "odd chunks that nobody reads": [CHUNKED.replace(b"/prompt", b"/nothing") + b"xyz\r\n", *MORE],
    "a body that is too large": [POST + b"Content-Length: 2000000\r\nConnection: close\r\n\r\n", *MORE * 10],
}

# What is odd but allowed, or refused by the application.
ODD = {
    "moved application": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nSCRIPT_NAME: /elsewhere\r\n\r\n", {200}),
    "moved path": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nPATH_INFO: /elsewhere\r\n\r\n", {200}),
    "no host": (b"GET /healthz HTTP/1.0\r\n\r\n", {200}),
    "odd host": (b"GET /healthz HTTP/1.1\r\nHost: <script>\r\n\r\n", {421}),
    "host with a bad port": (b"GET /healthz HTTP/1.1\r\nHost: x:port\r\n\r\n", {421}),
    "whole address": (b"GET http://elsewhere/healthz HTTP/1.1\r\nHost: x\r\n\r\n", {200, 404}),
    "asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", {200, 400, 404}),
    "CONNECT": (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", {400, 404, 405}),
    "invented method": (b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", {405}),
    "body of a GET": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", {200}),
    "odd cookie": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nCookie: =;=\xff\r\n\r\n", {200}),
    "odd range": (b"GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=9-1,x\r\n\r\n", {200, 416}),
    "odd conditions": (b'GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: """\r\nIf-Modified-Since: never\r\n\r\n', {200}),
    "odd accept": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nAccept: ;;q=x\r\n\r\n", {200}),
    "odd origin": (b"GET /api/v1/queue HTTP/1.1\r\nHost: x\r\nOrigin: \xff\xfe\r\n\r\n", {200}),
    "odd escapes": (b"GET /%zz%/%C3%28 HTTP/1.1\r\nHost: x\r\n\r\n", {404}),
    "odd query": (b"GET /api/v1/queue?%FF=%00&&&=;wait HTTP/1.1\r\nHost: x\r\n\r\n", {200}),
    "odd preflight": (
        b"OPTIONS /api/v1/prompt HTTP/1.1\r\nOrigin: x\r\nAccess-Control-Request-Method: \xff\r\nA: ,,\xff\r\n\r\n",
        {200},
    ),
    "coding in capitals": (POST + b"Content-Encoding: GZIP\r\nContent-Length: 18\r\n\r\n" + WHY, {400}),
    "odd content type": (POST + b"Content-Type: ;;charset=\xff\r\nContent-Length: 2\r\n\r\n{}", {400}),
    "form": (POST + b"Content-Type: multipart/form-data\r\nContent-Length: 2\r\n\r\n{}", {400}),
    "length of zero": (POST + b"Content-Length: 0\r\n\r\n", {400}),
    "no length": (POST + b"\r\n", {400}),
    "upgrade": (POST + b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\n{}", {400}),
    "two keys": (
        POST + b"Idempotency-Key: 0123456789abcdef\r\nIdempotency-Key: 0 \r\nContent-Length: 2\r\n\r\n{}",
        {400},
    ),
}


@pytest.fixture(scope="module")
def queue_is_left_alone(gunicorn):
    before = gunicorn.get("/api/v1/queue").json["queued"]
    yield
    assert gunicorn.get("/api/v1/queue").json["queued"] == before
    assert gunicorn.traceback == ""


@pytest.mark.usefixtures("queue_is_left_alone")
@pytest.mark.parametrize("name", ENDS_EARLY)
def test_a_body_that_does_not_end_well_is_refused_as_not_json(gunicorn, name):
    reply = gunicorn.raw(ENDS_EARLY[name], end=True)

    assert (reply.status, reply.code) == (400, "invalid_json")


@pytest.mark.usefixtures("queue_is_left_alone")
@pytest.mark.parametrize("name", ANSWERED_BY_GUNICORN)
def test_what_is_not_http_is_the_clients_mistake(gunicorn, name):
    reply = gunicorn.raw(ANSWERED_BY_GUNICORN[name], end=True)

    assert 400 <= reply.status < 500 or reply.status in (501, 505)
    assert gunicorn.get("/healthz").status == 200


@pytest.mark.usefixtures("queue_is_left_alone")
@pytest.mark.parametrize("name", ODD)
def test_odd_requests_are_answered(gunicorn, name):
    sent, statuses = ODD[name]

    assert gunicorn.raw(sent, end=True).status in statuses


@pytest.mark.parametrize("pause", [0, 0.02], ids=["at once", "piece by piece"])
@pytest.mark.parametrize("name", GOES_ON)
def test_what_is_refused_is_refused_once_however_much_follows(gunicorn, name, pause):
    before, heard = len(gunicorn.log), b""
    with socket.create_connection(("127.0.0.1", gunicorn.port), timeout=10) as connection:
        with contextlib.suppress(OSError):  # it may have answered and closed already
            for piece in GOES_ON[name]:
                connection.sendall(piece)
                select.select([], [], [connection], pause)
        with contextlib.suppress(ConnectionResetError):
            while data := connection.recv(65_536):
                heard += data
    assert gunicorn.get("/healthz").status == 200

    assert heard.count(b"HTTP/1.1 ") == 1
    said = gunicorn.log[before:]
    assert "Traceback" not in said
    assert said.count("Invalid request") <= 1


def test_a_body_in_chunks_is_read(server):
    reply = server.raw(CHUNKED + b"2\r\n" + WHY[:2] + b"\r\n10\r\n" + WHY[2:] + b"\r\n0\r\n\r\n")

    assert reply.status == 202
    server.call("DELETE", f"/api/v1/prompt/{reply.json['id']}")


@pytest.mark.parametrize("kind", ["length", "chunks"])
def test_a_client_that_sends_too_much_gets_to_read_that(server, kind):
    text = b"x" * (5 * MEGABYTE)
    body = text if kind == "length" else (text[start : start + 65_536] for start in range(0, len(text), 65_536))

    reply = server.call("POST", "/api/v1/prompt", body)

    assert (reply.status, reply.code) == (413, "too_large")
    assert str(MEGABYTE) in reply.json["error"]["message"]


@pytest.mark.parametrize(
    "said", [b"Expect: 100-continue\r\n\r\n", b"\r\n", b"\r\nhalf"], ids=["asks", "waits", "stops"]
)
def test_a_client_that_waits_for_its_refusal_gets_it(server, said):
    reply = server.raw(b"POST /api/v1/prompt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n" + said)

    assert (reply.status, reply.code) == (413, "too_large")


def test_a_connection_goes_on_after_a_refusal(gunicorn):
    connection = http.client.HTTPConnection("127.0.0.1", gunicorn.port, timeout=10)

    statuses = []
    for body in (b"x" * (2 * MEGABYTE), b"nonsense", b"{}"):
        connection.request("POST", "/api/v1/prompt", body)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    connection.close()

    assert statuses == [413, 400, 400]


def test_a_client_that_leaves_while_it_sends_harms_nobody(gunicorn):
    for _ in range(5):
        connection = socket.create_connection(("127.0.0.1", gunicorn.port))
        connection.sendall(POST + b"Content-Length: 100000\r\n\r\n" + b"x" * 1000)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # so that closing resets it
        connection.close()

    assert gunicorn.get("/healthz").status == 200
    assert gunicorn.traceback == ""
