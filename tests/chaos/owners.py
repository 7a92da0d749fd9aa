"""Several owners, each with a key that another takes the place of while it is in use, or nobody who needs one."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Protocol

from promptqueue.errors import StorageUnavailable
from promptqueue.owners.key import Role, new_key

from chaos.history import now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from promptqueue import PromptQueue

    from chaos.script import Script

NAMES = ("anna", "bert", "cleo")
STEWARD = "dora"
"""Who fills the room and looks whether all is done: by a key that stays."""
MADE_EVERY = 4.0  # seconds from one new key to the next, on average
HEARD_AFTER = 0.7  # seconds for which the key before still holds, on average
LATE = 0.1  # of all requests are sent with the key before, as by a client that has not heard of the next
PAUSE = 0.3  # seconds before a queue that is unavailable is asked again


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key as its owner's clients have it."""

    owner: str
    name: str
    secret: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"} if self.name else {}


NO_KEY = Key(owner="", name="", secret="none")


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """A key's end: sent at `begun`, known to have happened at `ended`."""

    key: str
    begun: float
    ended: float


class Cast(Protocol):
    """Whose clients the campaign's are."""

    @property
    def names(self) -> Sequence[str]:
        """The owners between whom the clients are shared out; one without a name where there are no keys."""

    @property
    def steward(self) -> Key:
        """The key that is never revoked."""

    @property
    def revocations(self) -> Sequence[Revocation]:
        """Every one so far."""

    def start(self) -> None:
        """Make the first keys; the product is there."""

    def hush(self) -> None:
        """Make and revoke nothing more, and let everybody have heard of the newest keys."""

    def key_of(self, client: int) -> Key:
        """What this client sends now: as a rule its owner's newest key."""

    def idempotency_key(self, script: Script) -> str:
        """What a script's client sends as Idempotency-Key."""


class Keyless:
    """Nobody has a key, and nobody needs one."""

    names = ("",)
    steward = NO_KEY
    revocations: Sequence[Revocation] = ()

    def start(self) -> None: ...

    def hush(self) -> None: ...

    def key_of(self, client: int) -> Key:
        return NO_KEY

    def idempotency_key(self, script: Script) -> str:
        return script.key


class Owners:
    """Three of them. A thread makes a key every few seconds and revokes the one before."""

    names = NAMES

    def __init__(self, queue: Callable[[], AbstractContextManager[PromptQueue]], *, seed: int) -> None:
        """Use a queue that is opened anew for each key: it may stand still or be copied in between."""
        self._queue = queue
        self._random, self._chance = Random(f"{seed}/keys"), Random()
        self._quiet = threading.Event()
        self._thread = threading.Thread(target=self._run, name="owners", daemon=True)
        self._error: BaseException | None = None
        self._newest: dict[str, Key] = {}
        self._before: dict[str, Key] = {}
        self.steward = NO_KEY
        self.revocations: list[Revocation] = []

    def start(self) -> None:
        self.steward = self._make(STEWARD)
        self._newest = {name: self._make(name) for name in NAMES}
        self._thread.start()

    def hush(self) -> None:
        self._quiet.set()
        self._thread.join()
        if self._error:
            raise self._error

    def key_of(self, client: int) -> Key:
        owner = NAMES[client % len(NAMES)]
        is_late = not self._quiet.is_set() and self._chance.random() < LATE
        return self._before.get(owner, self._newest[owner]) if is_late else self._newest[owner]

    def idempotency_key(self, script: Script) -> str:
        """Give one that clients of the other owners send as well, for prompts of theirs."""
        return f"chaos-campaign-{script.client // len(NAMES):02}-{script.name.partition('-')[2]}"

    def _run(self) -> None:
        try:
            while not self._quiet.wait(self._random.expovariate(1 / MADE_EVERY)):
                owner = self._random.choice(NAMES)
                made = self._make(owner)
                self._before[owner], self._newest[owner] = self._newest[owner], made
                self._quiet.wait(self._random.expovariate(1 / HEARD_AFTER))
                self._revoke(self._before[owner])
        except BaseException as error:  # noqa: BLE001 (raised again where the campaign waits)
            self._error = error

    def _make(self, owner: str) -> Key:
        while True:
            new = new_key()  # another each time: whether one that failed was stored nobody knows
            with suppress(StorageUnavailable), self._queue() as queue:
                made = queue.add_key(new, owner=owner, role=Role.USER)
                return Key(owner=owner, name=made.name, secret=new.secret)
            threading.Event().wait(PAUSE)

    def _revoke(self, key: Key) -> None:
        begun = now()
        while True:
            with suppress(StorageUnavailable), self._queue() as queue:
                queue.revoke_key(key.name)
                self.revocations.append(Revocation(key=key.name, begun=begun, ended=now()))
                return
            threading.Event().wait(PAUSE)
