"""Keys: what a client shows to say whose prompts it asks for. Nobody keeps a key's secret but who was given it."""

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum

from promptqueue.owners.owner import Owner

PREFIX = "opx_"
NAME_LENGTH = 8
HOUR = 3600.0  # seconds; when a key was used is known to no less
SECRET_BYTES = 32  # 256 bits, which nobody guesses: hence a fast digest, and no limit on how often one may try


class Role(StrEnum):
    """What a key is for."""

    USER = "user"  # asks, and reads what is its owner's
    METRICS = "metrics"  # reads metrics and how the product fares
    ADMIN = "admin"  # pauses and cancels, sees where every prompt stands and what is used, but no text


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A key as it is known to the queue. Times are seconds since the epoch."""

    name: str  # eight characters, by which people speak of it
    owner: Owner
    role: Role
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    used_at: float | None = None  # to the hour

    def holds(self, now: float) -> bool:
        """Whether it is still good at this moment, in seconds since the epoch."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewKey:
    """A key that was just made: the only moment at which its secret is known."""

    name: str
    secret: str  # the whole key, as it is sent

    def __repr__(self) -> str:
        """Say its name, and nothing of its secret."""
        return f"NewKey(name={self.name!r})"

    @property
    def digest(self) -> str:
        """What is kept of it."""
        return digest_of(self.secret)


def new_key() -> NewKey:
    """Make a key that nobody has."""
    name = secrets.token_hex(NAME_LENGTH // 2)
    return NewKey(name=name, secret=f"{PREFIX}{name}_{secrets.token_urlsafe(SECRET_BYTES)}")


def name_in(written: str) -> str:
    """Give the name of the key that somebody means, by its name or by the whole of it, which nobody repeats."""
    return written[len(PREFIX) :][:NAME_LENGTH] if written.startswith(PREFIX) else written


def digest_of(secret: str) -> str:
    """Give the digest by which a key is known: SHA-256, as hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()
