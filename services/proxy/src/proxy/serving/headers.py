"""The headers that every answer has. nginx says the same of what it answers itself."""

import re
import string
from http import HTTPStatus
from urllib.parse import quote

from flask import Response, request

CORS = {
    # Any page of any origin may call the proxy, with no credentials but those that it sends itself.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, Retry-After, X-Prompt-Id, X-Served-By, Date",
}
PREFLIGHT = {
    # All that may be sent, whatever a preflight asks about.
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Prefer, "
    "X-On-Disconnect",
    "Access-Control-Allow-Methods": "GET, HEAD, POST, DELETE, OPTIONS",
    "Access-Control-Max-Age": "7200",  # seconds
}
FIXED = {
    # The rest of the page's policy, with the hashes of script and style, stands in the page; a <meta> cannot say this.
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
FACES = re.compile(r"/v1/|/api/(?!v1(/|$))")
"""How the addresses of other protocols begin, for which browsers run the official clients of others."""

EXPOSED_BY_FACES = (
    "X-Queue-Position, X-Queue-ETA, X-Ignored, X-Estimated, Preference-Applied, x-request-id, request-id, "
    "x-should-retry, openai-poll-after-ms"
)
NAMES = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+( *, *[A-Za-z0-9!#$%&'*+.^_`|~-]+)*")
NEVER_STORED = "no-store"
JSON = "application/json; charset=utf-8"
"""The type of every JSON answer: without a charset, some clients decode it as Latin-1."""


def served_by(address: str | None) -> dict[str, str]:
    """Give the header that names the model server that wrote an answer; none where that is not known."""
    return {"X-Served-By": quote(address, safe=string.punctuation, errors="replace")} if address else {}


def add(answer: Response) -> Response:
    """Add them to an answer, which nobody may store unless it says otherwise."""
    answer.headers.extend(CORS)
    answer.headers.extend(FIXED)
    is_of_a_face = FACES.match(request.path) is not None
    if is_of_a_face:
        answer.headers["Access-Control-Expose-Headers"] += f", {EXPOSED_BY_FACES}"
    if request.method == "OPTIONS":
        answer.headers.extend(PREFLIGHT)
        asked = request.headers.get("Access-Control-Request-Headers", "")
        if is_of_a_face and NAMES.fullmatch(asked):  # the official clients send headers of their own, ever more
            answer.headers["Access-Control-Allow-Headers"] = asked
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = "Bearer"
    answer.headers.setdefault("Cache-Control", NEVER_STORED)
    return answer
