"""The verbs about owners: owners, belongs, limit_owner."""

from collections.abc import Mapping

from promptqueue.errors import OwnerNotFound
from promptqueue.owners.owner import LIMITS, Limits, Owner, columns_of
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.verbs.base import Verbs

COLUMNS = ", ".join(["owner", "owners.name AS owner_name", "weight", *(f"max_{limit}" for limit in LIMITS)])
"""What `owner_of` reads."""

BELONGS = "SELECT id = :id AND owner = :owner AS belongs FROM prompts WHERE id >= :id ORDER BY id LIMIT 1"
"""It goes down the index and reads one row whether or not the id is there, so that the clock cannot tell."""


class OwnerVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def owners(self) -> list[Owner]:
        return [owner_of(row) for row in self._database.run(f"SELECT {COLUMNS} FROM owners ORDER BY owner")]  # noqa: S608

    def belongs(self, prompt_id: str, owner: int) -> bool:
        found = self._database.run(BELONGS, id=prompt_id, owner=owner)
        return bool(found and found[0]["belongs"])

    def limit_owner(self, name: str, limits: Mapping[str, float | None], *, weight: float | None = None) -> Owner:
        changes = columns_of(limits, weight)
        with self._database.transaction():
            for column, value in changes.items():
                self._database.run(f"UPDATE owners SET {column} = :value WHERE name = :name", value=value, name=name)  # noqa: S608
            return self._owner(name)

    def _owner(self, name: str) -> Owner:
        found = self._database.run(f"SELECT {COLUMNS} FROM owners WHERE name = :name", name=name)  # noqa: S608
        if not found:
            message = f"No owner has the name {name}; python -m promptqueue owners lists them."
            raise OwnerNotFound(message)
        return owner_of(found[0])


def owner_of(row: sqlite3.Row) -> Owner:
    """Read an owner from a row with `COLUMNS`."""
    limits = Limits(**{limit: row[f"max_{limit}"] for limit in LIMITS})
    return Owner(number=row["owner"], name=row["owner_name"], weight=row["weight"], limits=limits)
