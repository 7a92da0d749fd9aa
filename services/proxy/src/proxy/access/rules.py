"""Rules: who may ask what, by endpoint. What is in no rule, nobody may."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import g, request
from promptqueue.owners.key import Role

from proxy.access import identity
from proxy.access.asker import Asker
from proxy.access.gate import Gate
from proxy.errors import Forbidden, Unauthorized


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may ask."""

    roles: frozenset[Role] = frozenset()
    without_keys: bool = False  # whether no key is needed for as long as there is none
    strangers: bool = False  # whether nobody ever needs one


NOBODY = Rule()
ANYBODY = Rule(strangers=True)
ASKING = Rule(frozenset({Role.USER, Role.ADMIN}), without_keys=True)
ASKING_FOR_AN_OWNER = Rule(frozenset({Role.USER, Role.ADMIN}))
OVERSEEING = Rule(frozenset({Role.ADMIN}))
LOOKING = Rule(frozenset(Role), without_keys=True)
WATCHING = Rule(frozenset({Role.METRICS, Role.ADMIN}))

ANSWERED_TO_ANYBODY = ("page.page", "page.beside_the_page", "management.healthz", "management.readyz")
OF_PROMPTS = ("submit", "cancel", "retry", "delete", "status", "result", "whole")
OF_THE_WHOLE = ("queue", "specification")
OF_OLLAMA = (
    *("generate", "chat", "version", "tags", "ps", "status", "show", "pull", "embed", "embeddings", "blob"),
    *("forbid/create", "forbid/copy", "forbid/push", "forbid/delete", "forbid/blobs/", "forbid/me", "forbid/signout"),
    *("forbid/web_search", "forbid/web_fetch", "forbid/experimental/"),
)
OF_OPENAI = (
    *("chat_completions", "text_completions", "make_embeddings"),
    *("create", "retrieve", "items", "cancel", "delete", "input_tokens", "compact", "by_websocket"),
)

RULES: dict[str, Rule] = {
    **dict.fromkeys(ANSWERED_TO_ANYBODY, ANYBODY),
    **{f"prompts.{name}": ASKING for name in OF_PROMPTS},
    **{f"events.{name}": ASKING for name in ("of_one", "of_several", "make_ticket")},
    **{f"own.{name}": ASKING_FOR_AN_OWNER for name in ("prompts", "usage")},
    **{f"control.{name}": OVERSEEING for name in ("pause", "resume")},
    **{f"management.{name}": LOOKING for name in OF_THE_WHOLE},
    "metrics.metrics": WATCHING,
    **{f"ollama.{name}": ASKING for name in OF_OLLAMA},
    **{f"openai.{name}": ASKING for name in OF_OPENAI},
    **{f"anthropic.{name}": ASKING for name in ("create", "count_tokens")},
    **{f"addresses.{name}": ASKING for name in ("models", "model")},
}


def guard(gate: Gate) -> Callable[[], None]:
    """Make what lets the current request in or refuses it, before anything of its body is read.

    An address that there is not is no secret, and a preflight has no key to send.
    """

    def check() -> None:
        if request.routing_exception or request.method == "OPTIONS":
            return
        rule = RULES.get(request.endpoint or "", NOBODY)
        if not rule.strangers:
            asker = identity.find(gate.keyring) or identity.by_ticket(gate.keyring, gate.tickets)
            if asker is None and identity.has_tried():
                gate.logins.refuse(request.remote_addr)
            g.asker = _admitted(asker, rule)
            gate.logins.admit(g.asker)
            gate.quotas.ask(g.asker.owner)

    return check


def _admitted(asker: Asker | None, rule: Rule) -> Asker:
    """Give the asker back. Raises Unauthorized, in one sentence for all reasons, and Forbidden."""
    if asker is None or (asker.key is None and not rule.without_keys):
        raise Unauthorized
    if asker.role and asker.role not in rule.roles:
        wanted = " or ".join(sorted(rule.roles))
        message = f"The key that was sent is for {asker.role}, and this is for {wanted or 'nobody'}."
        raise Forbidden(message)
    return asker
