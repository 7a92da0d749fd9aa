"""Asker: who asks, and so whose prompts are meant."""

from dataclasses import dataclass

from flask import g
from promptqueue.owners.key import Key, Role
from promptqueue.owners.owner import EVERYBODY, PAGES, Owner


@dataclass(frozen=True, slots=True)
class Asker:
    """Whoever sent a request: known by a key, or while nobody needs one by the page that the request came from."""

    owner: Owner
    key: Key | None = None

    @property
    def owners(self) -> tuple[int, ...]:
        """The numbers of those whose prompts this one sees: without keys, whoever has an id sees the prompt."""
        return (self.owner.number,) if self.key else (EVERYBODY, PAGES)

    @property
    def role(self) -> Role | None:
        """What the key is for; None without one."""
        return self.key.role if self.key else None

    @property
    def oversees(self) -> bool:
        """Whether this one may see where everybody's prompts stand, and end them."""
        return self.role is Role.ADMIN


def current() -> Asker:
    """Give who sent the current request, to an endpoint that not everybody may ask (`rules`)."""
    asker: Asker = g.asker
    return asker
