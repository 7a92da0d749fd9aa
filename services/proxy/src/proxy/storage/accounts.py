"""Accounts: who the owners are, what each has and has had, and the prompts that it asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Unpack

from promptqueue import PromptQueue
from promptqueue.owners.owner import Holdings, Owner, Usage
from promptqueue.owners.turn import Turn
from promptqueue.prompt import Prompt, Status, Wanted

from proxy.storage.reader import Reader


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Some prompts with their places in line, the last accepted first, and where the next page begins, if one does."""

    prompts: Sequence[tuple[Prompt, int | None]]
    next: int | None


class Accounts:
    """Reads what is known of owners. Everything here raises StorageUnavailable."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def owners(self) -> Mapping[int, Owner]:
        """Give all owners by their numbers, also those two who need no key."""
        return {owner.number: owner for owner in self._reader.read(lambda queue: queue.owners())}

    def holdings(self, owner: Owner) -> Holdings:
        """Say what an owner has at this moment, and has had today."""
        return self._reader.read(lambda queue: queue.holdings(owner.number))

    def standing(self) -> list[tuple[Owner, Holdings, list[Turn]]]:
        """Say of each owner what it has, and how it stands in each lane where it has anything."""
        return self._reader.read(_standing)

    def usage(self, owner: int | None, *, since: str) -> list[Usage]:
        """List what an owner, or each of all, had of the model on each day from `since` on, the last day first."""
        return self._reader.read(lambda queue: queue.usage(owner=owner, since=since))

    def listed(self, *, limit: int, before: int | None, **wanted: Unpack[Wanted]) -> Listed:
        """List the prompts that are wanted, as `PromptQueue.newest` says, with their places."""
        return self._reader.read(lambda queue: _listed(queue, limit, before, wanted))


def _standing(queue: PromptQueue) -> list[tuple[Owner, Holdings, list[Turn]]]:
    turns = queue.turns()
    return [
        (owner, queue.holdings(owner.number), [turn for turn in turns if turn.owner == owner.name])
        for owner in queue.owners()
    ]


def _listed(queue: PromptQueue, limit: int, before: int | None, wanted: Wanted) -> Listed:
    page = queue.newest(limit=limit, before=before, **wanted)
    waiting = [prompt.id for prompt in page.prompts if prompt.status is Status.QUEUED]
    places = {each.prompt.id: each.position for each in queue.progress_of(waiting)} if waiting else {}
    return Listed(prompts=[(prompt, places.get(prompt.id)) for prompt in page.prompts], next=page.next)
