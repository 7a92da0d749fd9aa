"""The headers that every answer has. nginx says the same of what it answers itself."""

from flask import Response, request

CORS = {
    # Any page of any origin may call the proxy, with no credentials but those that it sends itself.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, Retry-After, X-Prompt-Id, Date",
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
NEVER_STORED = "no-store"
JSON = "application/json; charset=utf-8"
"""The type of every JSON answer: without a charset, some clients decode it as Latin-1."""


def add(answer: Response) -> Response:
    """Add them to an answer, which nobody may store unless it says otherwise."""
    answer.headers.extend(CORS)
    answer.headers.extend(FIXED)
    if request.method == "OPTIONS":
        answer.headers.extend(PREFLIGHT)
    answer.headers.setdefault("Cache-Control", NEVER_STORED)
    return answer
