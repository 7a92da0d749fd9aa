"""Hosts: by which names this server may be called.

A page of another site can have its own name lead to this server's address, and would then be of the same origin. No
such name is taken: an address, `localhost` and a name without a dot are nobody's on the internet.
"""

import re
from collections.abc import Callable, Collection
from ipaddress import ip_address

from flask import request
from werkzeug.exceptions import MisdirectedRequest

from proxy.config import ANY_HOST

AUTHORITY = re.compile(r"(\[(?P<bracketed>[^\[\]]+)\]|(?P<name>[a-z0-9._-]+?)\.?)(:[0-9]{0,5})?")


def guard(allowed: Collection[str]) -> Callable[[], None]:
    """Make what refuses the current request unless it calls this server by a name of its own, or an `allowed` one.

    It is refused as an address is that does not exist, and so in the shape of the protocol that it speaks.
    """

    def check() -> None:
        if not is_ours(request.environ.get("HTTP_HOST", ""), allowed):
            request.routing_exception = MisdirectedRequest()

    return check


def is_ours(host: str, allowed: Collection[str]) -> bool:
    """Whether the value of a header Host is one of this server's names. No browser leaves the header out."""
    if not host or ANY_HOST in allowed:
        return True
    found = AUTHORITY.fullmatch(host.lower())
    if found is None:
        return False
    if found["bracketed"]:
        return _is_address(found["bracketed"])
    name = found["name"]
    return "." not in name or name.endswith(".localhost") or name in allowed or _is_address(name)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
