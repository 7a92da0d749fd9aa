"""Requests that one reading takes for one and another for two; whoever reads them with care sees one at most."""

from __future__ import annotations

# MARK stands for four digits that tell one probe from another, so that lengths stay as they are.
BODY = b'{"prompt": "Why?"}'
INNER = b"GET /api/v1/queue HTTP/1.1\r\nUser-Agent: smuggled-MARK\r\nHost: localhost\r\n\r\n"
OUTER = b"POST /api/v1/prompt HTTP/1.1\r\nUser-Agent: probe-MARK\r\nHost: localhost\r\n"
ASKED = b"GET /api/v1/queue HTTP/1.1\r\nUser-Agent: probe-MARK\r\nHost: localhost\r\n"
ENDED = b"0\r\n\r\n"
CHUNK = b"%x\r\n" % len(INNER) + INNER + b"\r\n"
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
LONG = b"Content-Length: %d\r\n\r\n" % len(ENDED + INNER)

CODINGS = {
    "plain": b"Transfer-Encoding: chunked",
    "capitals": b"TRANSFER-ENCODING: CHUNKED",
    "a space before the colon": b"Transfer-Encoding : chunked",
    "a space before the name": b" Transfer-Encoding: chunked",
    "a tab": b"Transfer-Encoding:\tchunked",
    "a vertical tab": b"Transfer-Encoding:\x0bchunked",
    "a folded line": b"Transfer-Encoding:\r\n chunked",
    "after a bare line feed": b"X: a\nTransfer-Encoding: chunked",
    "after a bare carriage return": b"X: a\rTransfer-Encoding: chunked",
    "after NUL": b"X: a\0\r\nTransfer-Encoding: chunked",
    "an unknown one": b"Transfer-Encoding: xchunked",
    "quoted": b'Transfer-Encoding: "chunked"',
    "with an unknown one after it": b"Transfer-Encoding: chunked, cow",
    "with identity before it": b"Transfer-Encoding: identity, chunked",
    "twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "taken back": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "hop by hop": b"Connection: close, Content-Length\r\nTransfer-Encoding: chunked",
}
LENGTHS = {
    "two lengths": b"Content-Length: %d\r\nContent-Length: %d",
    "two lengths in one": b"Content-Length: %d, %d",
    "a length with a plus": b"Content-Length: +%d\r\nX: %d",
    "a length with a space before the colon": b"Content-Length : %d\r\nX: %d",
    "a length below zero": b"Content-Length: -%d\r\nX: %d",
    "a length with an underscore": b"Content-Length: %d_0\r\nX: %d",
    "a hexadecimal length": b"Content-Length: 0x%x\r\nX: %d",
}

PROBES = (
    {
        f"a length that counts, {name}": OUTER + coding + b"\r\n" + LONG + ENDED + INNER
        for name, coding in CODINGS.items()
    }
    | {
        f"a coding that counts, {name}": OUTER + b"Content-Length: 4\r\n" + coding + b"\r\n\r\n" + CHUNK + ENDED
        for name, coding in CODINGS.items()
    }
    | {
        name: OUTER + lengths % (len(BODY), len(BODY + INNER)) + b"\r\n\r\n" + BODY + INNER
        for name, lengths in LENGTHS.items()
    }
    | {
        "a coding with an underscore": OUTER + b"Transfer_Encoding: chunked\r\n" + LONG + ENDED + INNER,
        "a body of GET": ASKED + LONG + ENDED + INNER,
        "an absolute address": ASKED.replace(b"GET /", b"GET http://elsewhere/") + b"\r\n",
        "two hosts": ASKED + b"Host: elsewhere\r\n\r\n",
        "bare line feeds": ASKED.replace(b"\r\n", b"\n") + b"\n",
        "line ends in the address": ASKED.replace(
            b"/queue", b"/queue?a=%0d%0a%0d%0aGET%20/api/v1/queue%20HTTP/1.1%0d%0aUser-Agent:%20smuggled-MARK"
        )
        + b"\r\n",
        "another protocol": OUTER + UPGRADE + LONG + ENDED + INNER,
        "an expectation": OUTER + b"Expect: 100-continue\r\n" + LONG + ENDED + INNER,
    }
)
