"""Preferences: what a client says in its headers of how it would be answered."""

import re

from werkzeug.datastructures import Headers

from proxy.errors import InvalidRequest

ON_DISCONNECT = "X-On-Disconnect"


def keeps(headers: Headers) -> bool:
    """Whether the prompt is to be answered though its client leaves. Raises InvalidRequest."""
    wish = headers.get(ON_DISCONNECT, "cancel").strip().lower()
    if wish not in ("cancel", "keep"):
        message = f"{ON_DISCONNECT} is cancel or keep."
        raise InvalidRequest(message, param=ON_DISCONNECT)
    return wish == "keep"


def waits_not(headers: Headers) -> bool:
    """Whether the client will come back for the answer: `Prefer: respond-async`, as RFC 7240 has it."""
    wishes = ",".join(headers.getlist("Prefer")).split(",")
    return any(wish.partition(";")[0].strip().lower() == "respond-async" for wish in wishes)


def asks_again(headers: Headers) -> bool:
    """Whether the official clients send this very request once more, by themselves, because the last one broke."""
    return re.fullmatch(r"0*[1-9][0-9]{0,5}", headers.get("X-Stainless-Retry-Count", "0"), re.ASCII) is not None
