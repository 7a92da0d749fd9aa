"""The verbs about keys: keyring, keys_version, add_key, revoke_key, drop_keys, note_use."""

from collections.abc import Collection

from promptqueue.errors import KeyNotFound
from promptqueue.owners.key import HOUR, Key, NewKey, Role
from promptqueue.owners.owner import refuse_keyless
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.verbs.owners.names import COLUMNS, OwnerVerbs, owner_of

OF_KEYS = f"""
    SELECT digest, keys.name AS key_name, role, created_at, expires_at, revoked_at, used_at, {COLUMNS}
    FROM keys JOIN owners USING (owner)
"""  # noqa: S608


class KeyVerbs(OwnerVerbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def keys_version(self) -> int:
        return int(self._database.run("SELECT keys_version FROM control")[0]["keys_version"])

    def keyring(self) -> list[tuple[str, Key]]:
        return [(row["digest"], _key(row)) for row in self._database.run(f"{OF_KEYS} ORDER BY created_at, key_name")]

    def add_key(self, new: NewKey, *, owner: str, role: Role, expires_at: float | None = None) -> Key:
        refuse_keyless(owner)
        with self._database.transaction():
            self._database.run("INSERT INTO owners (name) VALUES (:name) ON CONFLICT (name) DO NOTHING", name=owner)
            self._database.run(
                """
                INSERT INTO keys (digest, name, owner, role, created_at, expires_at)
                VALUES (:digest, :name, :owner, :role, :now, :expires_at)
                """,
                digest=new.digest,
                name=new.name,
                owner=self._owner(owner).number,
                role=role,
                now=self._clock.wall(),
                expires_at=expires_at,
            )
            return self._key(new.name)

    def revoke_key(self, name: str) -> Key:
        with self._database.transaction():
            self._database.run(
                "UPDATE keys SET revoked_at = :now WHERE name = :name AND revoked_at IS NULL",
                now=self._clock.wall(),
                name=name,
            )
            return self._key(name)

    def drop_keys(self) -> int:
        with self._database.transaction():
            return len(self._database.run("DELETE FROM keys RETURNING name"))

    def note_use(self, names: Collection[str]) -> None:
        hour = self._clock.wall() // HOUR * HOUR
        unnoted = self._database.run("SELECT name FROM keys WHERE used_at IS NOT :hour", hour=hour)
        if used := {row["name"] for row in unnoted}.intersection(names):
            with self._database.transaction(durable=False):
                for name in used:
                    self._database.run("UPDATE keys SET used_at = :hour WHERE name = :name", hour=hour, name=name)

    def _key(self, name: str) -> Key:
        found = self._database.run(f"{OF_KEYS} WHERE keys.name = :name", name=name)
        if not found:
            message = f"No key has the name {name}; python -m promptqueue keys list lists them."
            raise KeyNotFound(message)
        return _key(found[0])


def _key(row: sqlite3.Row) -> Key:
    times = {name: row[name] for name in ("created_at", "expires_at", "revoked_at", "used_at")}
    return Key(name=row["key_name"], owner=owner_of(row), role=Role(row["role"]), **times)
