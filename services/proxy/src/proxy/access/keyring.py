"""The keyring: all keys by heart, as of the last half second."""

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from promptqueue import PromptQueue
from promptqueue.errors import StorageUnavailable
from promptqueue.owners.key import digest_of
from promptqueue.owners.owner import EVERYBODY, PAGES

from proxy.access.asker import Asker
from proxy.storage.reader import Reader

LOOK_EVERY = 0.5  # seconds; whether a key was made or revoked is one short read


@dataclass(frozen=True, slots=True)
class _Keys:
    """What the queue said of keys, once; each asker is one object for as long as nothing changes."""

    version: int
    by_digest: Mapping[str, Asker]
    by_name: Mapping[str, Asker]
    keyless: Mapping[int, Asker]  # by the numbers of the two owners who need no key


class Keyring:
    """Knows who holds which key. Whatever asks it raises StorageUnavailable before it could be read for the first time.

    Later it goes on with what was known; only of a key that was not nobody can tell, while the queue cannot be read.
    """

    def __init__(self, reader: Reader) -> None:
        """Read nothing yet."""
        self._reader = reader
        self._lock = threading.Lock()
        self._known: _Keys | None = None
        self._looked_at = -math.inf

    @property
    def is_empty(self) -> bool:
        """Whether there is no key, not even a revoked one, so that nobody needs one."""
        return not self._now().by_name

    def without_key(self, *, is_own: bool) -> Asker:
        """Give who asks without a key: everybody, or with `is_own` False a page of somebody else."""
        return self._now().keyless[EVERYBODY if is_own else PAGES]

    def find(self, secret: str) -> Asker | None:
        """Give who holds this key; None where there is none, or it holds no more. May raise StorageUnavailable."""
        digest = digest_of(secret)
        # One that is not known may have been made just now.
        asker = self._now().by_digest.get(digest) or self._now(0).by_digest.get(digest)
        return asker if asker and _is_good(asker) else None

    def named(self, name: str) -> Asker | None:
        """Give who holds the key of this name; None where there is none, or it holds no more."""
        asker = self._now().by_name.get(name)
        return asker if asker and _is_good(asker) else None

    def knows(self, asker: Asker) -> bool:
        """Whether this one, who was let in before, may still ask."""
        if asker.key is None:
            return self.is_empty
        return self.named(asker.key.name) is not None

    def _now(self, within: float = LOOK_EVERY) -> _Keys:
        """Give what was known so many seconds ago, or later."""
        known = self._known
        if known is None or time.monotonic() >= self._looked_at + within:
            with self._lock:
                known = self._look(self._known, within)
        return known

    def _look(self, known: _Keys | None, within: float) -> _Keys:
        """Read what has changed, unless somebody else just has."""
        if known and time.monotonic() < self._looked_at + within:
            return known
        try:
            if known is None or self._reader.read(_version, is_brief=True) != known.version:
                self._known = known = self._reader.read(_read, is_brief=True)
        except StorageUnavailable:
            if known is None or not within:  # another process may have made a key that is not known here
                raise
        self._looked_at = time.monotonic()
        return known


def _version(queue: PromptQueue) -> int:
    return queue.keys_version()


def _read(queue: PromptQueue) -> _Keys:
    version = queue.keys_version()  # first: what changes after it is read once more
    by_digest = {digest: Asker(key.owner, key) for digest, key in queue.keyring()}
    return _Keys(
        version=version,
        by_digest=by_digest,
        by_name={asker.key.name: asker for asker in by_digest.values() if asker.key},
        keyless={owner.number: Asker(owner) for owner in queue.owners() if owner.number in (EVERYBODY, PAGES)},
    )


def _is_good(asker: Asker) -> bool:
    return asker.key is not None and asker.key.holds(time.time())
