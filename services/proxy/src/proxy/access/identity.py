"""Identity: who sent the current request, by its key, or by its origin while nobody needs one."""

from flask import g, request
from promptqueue.errors import StorageUnavailable
from promptqueue.owners.key import PREFIX

from proxy.access.asker import Asker
from proxy.access.keyring import Keyring
from proxy.access.tickets import Ticket, Tickets

OF_ANTHROPIC = ("anthropic", "addresses")
"""The blueprints with addresses of Anthropic's protocol, whose clients send their key in a header of its own."""

FOLLOWING = "events.of_one"
"""The endpoint that takes a ticket."""

USUAL_PORTS = {"http": ":80", "https": ":443"}


def find(keyring: Keyring) -> Asker | None:
    """Give who asks; None for whoever needs a key and has sent none that holds. Raises StorageUnavailable."""
    secret = sent()
    if (
        secret and secret.startswith(PREFIX) and (asker := keyring.find(secret))
    ):  # the first one, perhaps, made just now
        return asker
    return keyring.without_key(is_own=_is_own_origin()) if keyring.is_empty else None


def by_ticket(keyring: Keyring, tickets: Tickets) -> Asker | None:
    """Give for whom a ticket in the address asks; None unless it is of a prompt whose events are asked for.

    No other address takes any. Whether it is over is to be seen from the prompt. Raises StorageUnavailable.
    """
    text = request.args.get("ticket")
    if text is None or request.endpoint != FOLLOWING or sent() is not None:
        return None
    ticket = tickets.read(text)
    if ticket is None or (request.view_args or {}).get("prompt_id", "").lower() != ticket.prompt_id:
        return None
    g.ticket = ticket
    return keyring.named(ticket.key)


def ticket() -> Ticket | None:
    """Give the ticket that let the current request in; None where it was a key, or nobody needs one."""
    found: Ticket | None = g.get("ticket")
    return found


def is_known(keyring: Keyring) -> bool:
    """Whether whoever asks may learn how the product fares; not while nobody can say who needs a key."""
    try:
        return find(keyring) is not None
    except StorageUnavailable:
        return False


def has_tried() -> bool:
    """Whether a key was sent at all, or anything in its place."""
    of_anthropic = request.blueprint in OF_ANTHROPIC and "x-api-key" in request.headers
    return of_anthropic or "Authorization" in request.headers


def sent() -> str | None:
    """Give the key that was sent, whether or not there is such a key; None for none, and for two that differ.

    A header that is given twice holds both values with a comma, which no key has.
    """
    headers = {_bearer(value) for value in request.headers.getlist("Authorization")}
    if request.blueprint in OF_ANTHROPIC:
        headers.update(request.headers.getlist("x-api-key"))
    return headers.pop() if len(headers) == 1 else None


def _bearer(value: str) -> str:
    """Give the key of a header Authorization; of another scheme than Bearer nothing, which is no key."""
    scheme, _, secret = value.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _is_own_origin() -> bool:
    """Whether the request comes from no page, or from one of this server's.

    A page can forge neither header. The schemes may differ, for a server in front may speak TLS.
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    scheme, _, authority = origin.lower().partition("://")
    usual = USUAL_PORTS.get(scheme)
    if usual is None:
        return False
    host = request.environ.get("HTTP_HOST", "").lower()
    return bool(host) and authority.removesuffix(usual) == host.removesuffix(usual)
