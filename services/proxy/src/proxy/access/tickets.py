"""Tickets: a right to follow one prompt, for who can give an address and no header, as an EventSource.

A ticket names a prompt and the key that it was asked for with. It holds no longer than that key does.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeTimedSerializer

LIFETIME = 24 * 3600.0  # seconds
AFTER_THE_END = 60.0  # seconds, in which who was cut off comes back for the rest


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket says. Times are seconds since the epoch."""

    prompt_id: str
    key: str  # its name
    issued_at: float

    def expires_at(self, completed_at: float | None) -> float:
        """Say when it is over, if its prompt was completed then or is not."""
        latest = self.issued_at + LIFETIME
        return latest if completed_at is None else min(latest, max(self.issued_at, completed_at) + AFTER_THE_END)


class Tickets:
    """Writes and reads tickets, signed by the queue's secret so that no other process of the queue need be asked."""

    def __init__(self, secret: Callable[[], bytes]) -> None:
        """Ask for the `secret` when it is first needed."""
        self._secret = secret
        self._signer: URLSafeTimedSerializer | None = None

    def write(self, prompt_id: str, key: str) -> tuple[str, Ticket]:
        """Make a ticket for this prompt, by the name of a key. Raises StorageUnavailable."""
        text = self._serializer().dumps([prompt_id, key])
        return text, self._read(text)

    def read(self, text: str) -> Ticket | None:
        """Say what a ticket says; None for what is none, or is older than any may be. Raises StorageUnavailable."""
        try:
            return self._read(text)
        except BadData:
            return None

    def _read(self, text: str) -> Ticket:
        (prompt_id, key), issued = self._serializer().loads(text, max_age=int(LIFETIME), return_timestamp=True)
        return Ticket(prompt_id, key, issued.timestamp())

    def _serializer(self) -> URLSafeTimedSerializer:
        if self._signer is None:
            options = {"digest_method": hashlib.sha256}
            self._signer = URLSafeTimedSerializer(self._secret(), salt="ticket", signer_kwargs=options)
        return self._signer
