"""Prying: every owner asks on purpose for what is another's, and lists what is its own."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from chaos.door import read
from chaos.history import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos.door import Door
    from chaos.history import Seen
    from chaos.owners import Key

EVERY = 0.4  # seconds, for each owner
LISTED = 0.2  # of its requests
OF_ONE = (
    *(("GET", f"/api/v1/prompt/{{}}{what}") for what in ("", "/status", "/result", "/events")),
    *(("POST", f"/api/v1/prompt/{{}}/{what}") for what in ("cancel", "retry", "ticket")),
    ("DELETE", "/api/v1/prompt/{}"),
)
"""All that can be asked about a prompt."""


@dataclass(frozen=True, kw_only=True)
class Pried:
    """A request for another's prompt and, with the same key, for one that never was."""

    owner: str  # who asks
    key: str
    what: str
    begun: float
    ended: float
    answers: tuple[tuple[int, Any], tuple[int, Any]]  # statuses and bodies, without the ids


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One's own list, as it was told."""

    owner: str
    key: str
    begun: float
    ended: float
    status: int
    ids: Sequence[str]
    owners: frozenset[str]  # as the list names them


class Prying:
    """A thread for each owner; none where nobody has a key."""

    def __init__(self, door: Door, *, seed: int) -> None:
        self._door = door
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(place, Random(f"{seed}/prying/{name}")), daemon=True)
            for place, name in enumerate(door.cast.names)
            if name
        ]
        self.pried: list[Pried] = []
        self.listed: list[Listed] = []

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _run(self, place: int, random: Random) -> None:
        while not self._ending.wait(random.expovariate(1 / EVERY)):
            key = self._door.cast.key_of(place)
            if random.random() < LISTED:
                self._list(key)
                continue
            others = [seen.prompt_id for seen in self._door.history.everything() if _is_anothers(seen, key)]
            if others:
                # One of the newest: it waits or runs, and a cancel would show.
                self._pry(key, *random.choice(OF_ONE), str(random.choice(others[-20:])))

    def _pry(self, key: Key, method: str, path: str, prompt_id: str) -> None:
        begun = now()
        theirs, none = (self._ask(key, method, path, each) for each in (prompt_id, str(uuid.uuid4())))
        what = f"{method} {path}"
        self.pried.append(
            Pried(owner=key.owner, key=key.name, what=what, begun=begun, ended=now(), answers=(theirs, none))
        )

    def _ask(self, key: Key, method: str, path: str, prompt_id: str) -> tuple[int, Any]:
        reply = self._door.client.call(method, path.format(prompt_id), **key.headers)
        return reply.status, reply.body.decode(errors="replace").replace(prompt_id, "ID")

    def _list(self, key: Key) -> None:
        begun = now()
        reply = self._door.client.get("/api/v1/prompts?limit=200", **key.headers)
        told = read(reply.body)["prompts"] if reply.status == 200 else []
        self.listed.append(
            Listed(
                owner=key.owner,
                key=key.name,
                begun=begun,
                ended=now(),
                status=reply.status,
                ids=[each["id"] for each in told],
                owners=frozenset(each["owner"] for each in told),
            )
        )


def _is_anothers(seen: Seen, key: Key) -> bool:
    return seen.what == "submit" and seen.status == 202 and seen.owner != key.owner
