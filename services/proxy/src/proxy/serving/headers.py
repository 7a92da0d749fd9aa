"""The fixed headers: what a browser must not do with any answer. nginx says the same of what it answers itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask, Response

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


def register(app: Flask) -> None:
    """Let every answer of `app` carry them, and be stored nowhere unless it says otherwise."""

    def fix(answer: Response) -> Response:
        answer.headers.extend(FIXED)
        answer.headers.setdefault("Cache-Control", NEVER_STORED)
        return answer

    app.after_request(fix)
