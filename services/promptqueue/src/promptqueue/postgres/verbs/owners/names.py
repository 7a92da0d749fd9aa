"""The verbs about owners: owners, belongs, limit_owner."""

from collections.abc import Mapping

from promptqueue.errors import OwnerNotFound
from promptqueue.owners.owner import LIMITS, Limits, Owner, columns_of
from promptqueue.postgres.server.database import Row
from promptqueue.postgres.verbs import rows
from promptqueue.postgres.verbs.base import Verbs

COLUMNS = ", ".join(["owner", "owners.name AS owner_name", "weight", *(f"max_{limit}" for limit in LIMITS)])
"""What `owner_of` reads."""

BELONGS = """
    SELECT id = %(id)s::uuid AND owner = %(owner)s AS belongs FROM prompts WHERE id >= %(id)s::uuid ORDER BY id LIMIT 1
"""
"""It goes down the index and reads one row whether or not the id is there, so that the clock cannot tell."""


MOVED = """
    INSERT INTO tally (lane, owner, moves)
    SELECT lane, %(owner)s, 1 FROM lanes
    WHERE EXISTS (SELECT FROM line WHERE status = 'queued' AND line.lane = lanes.lane)
"""
"""Another weight moves whoever waits."""


class OwnerVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def owners(self) -> list[Owner]:
        return [owner_of(row) for row in self._database.run(f"SELECT {COLUMNS} FROM owners ORDER BY owner")]  # noqa: S608

    def belongs(self, prompt_id: str, owner: int) -> bool:
        if not rows.is_id(prompt_id):
            return False
        found = self._database.run(BELONGS, id=prompt_id, owner=owner)
        return bool(found and found[0]["belongs"])

    def limit_owner(self, name: str, limits: Mapping[str, float | None], *, weight: float | None = None) -> Owner:
        changes = columns_of(limits, weight)
        with self._database.transaction():
            owner = self._owner(name)
            if changes:
                self._database.run(
                    f"UPDATE owners SET {', '.join(f'{column} = %({column})s' for column in changes)} "  # noqa: S608
                    "WHERE owner = %(owner)s",
                    owner=owner.number,
                    **changes,
                )
            if weight is not None:
                self._database.run(MOVED, owner=owner.number)
            return self._owner(name)

    def _owner(self, name: str) -> Owner:
        found = self._database.run(f"SELECT {COLUMNS} FROM owners WHERE name = %(name)s", name=name)  # noqa: S608
        if not found:
            message = f"No owner has the name {name}; python -m promptqueue owners lists them."
            raise OwnerNotFound(message)
        return owner_of(found[0])


def owner_of(row: Row) -> Owner:
    """Read an owner from a row with `COLUMNS`."""
    limits = Limits(**{limit: row[f"max_{limit}"] for limit in LIMITS})
    return Owner(number=row["owner"], name=row["owner_name"], weight=row["weight"], limits=limits)
