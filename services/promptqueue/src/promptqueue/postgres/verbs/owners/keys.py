"""The verbs about keys: keyring, keys_version, add_key, revoke_key, drop_keys, note_use."""

from collections.abc import Collection

from promptqueue.errors import KeyNotFound
from promptqueue.owners.key import HOUR, Key, NewKey, Role
from promptqueue.owners.owner import refuse_keyless
from promptqueue.postgres.server.database import Row
from promptqueue.postgres.verbs.owners.names import COLUMNS, OwnerVerbs, owner_of

OF_KEYS = f"""
    SELECT digest, keys.name AS key_name, role, created_at, expires_at, revoked_at, used_at, {COLUMNS}
    FROM keys JOIN owners USING (owner)
"""  # noqa: S608

USED = """
    SELECT name, wall.hour FROM keys, (SELECT floor(wall() / %(hour)s) * %(hour)s AS hour) AS wall
    WHERE used_at IS DISTINCT FROM wall.hour AND name = ANY(%(names)s)
"""
"""Which of these keys are not known to have been used in this hour."""


class KeyVerbs(OwnerVerbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def keys_version(self) -> int:
        return int(self._database.run("SELECT keys_version FROM control")[0]["keys_version"])

    def keyring(self) -> list[tuple[str, Key]]:
        statement = f'{OF_KEYS} ORDER BY created_at, keys.name COLLATE "C"'
        return [(row["digest"], _key(row)) for row in self._database.run(statement)]

    def add_key(self, new: NewKey, *, owner: str, role: Role, expires_at: float | None = None) -> Key:
        refuse_keyless(owner)
        with self._database.transaction():
            # A number is taken even where the name turns out to be known.
            self._database.run(
                """
                INSERT INTO owners (name) SELECT %(name)s WHERE NOT EXISTS (SELECT 1 FROM owners WHERE name = %(name)s)
                ON CONFLICT (name) DO NOTHING
                """,
                name=owner,
            )
            self._database.run(
                """
                INSERT INTO keys (digest, name, owner, role, created_at, expires_at)
                VALUES (%(digest)s, %(name)s, %(owner)s, %(role)s, wall(), %(expires_at)s)
                """,
                digest=new.digest,
                name=new.name,
                owner=self._owner(owner).number,
                role=role,
                expires_at=expires_at,
            )
            return self._key(new.name)

    def revoke_key(self, name: str) -> Key:
        with self._database.transaction():
            self._key(name)
            self._database.run(
                "UPDATE keys SET revoked_at = wall() WHERE name = %(name)s AND revoked_at IS NULL", name=name
            )
            return self._key(name)

    def drop_keys(self) -> int:
        with self._database.transaction():
            return len(self._database.run("DELETE FROM keys RETURNING name"))

    def note_use(self, names: Collection[str]) -> None:
        used = self._database.run(USED, hour=HOUR, names=sorted(names))
        if used:
            self._database.run_relaxed(
                "UPDATE keys SET used_at = %(hour)s WHERE name = ANY(%(names)s)",
                hour=used[0]["hour"],
                names=[row["name"] for row in used],
            )

    def _key(self, name: str) -> Key:
        found = self._database.run(f"{OF_KEYS} WHERE keys.name = %(name)s", name=name)
        if not found:
            message = f"No key has the name {name}; python -m promptqueue keys list lists them."
            raise KeyNotFound(message)
        return _key(found[0])


def _key(row: Row) -> Key:
    times = {name: row[name] for name in ("created_at", "expires_at", "revoked_at", "used_at")}
    return Key(name=row["key_name"], owner=owner_of(row), role=Role(row["role"]), **times)
