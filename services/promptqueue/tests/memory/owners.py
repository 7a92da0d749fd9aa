"""Owners, their keys and the audit in memory."""

from dataclasses import replace

from promptqueue.errors import KeyNotFound, OwnerNotFound
from promptqueue.owners.key import HOUR, Key
from promptqueue.owners.owner import Limits, Owner, refuse_keyless, refuse_weight

from .transactions import Transactions


class Owners(Transactions):
    def belongs(self, prompt_id, owner):
        row = self._state.rows.get(prompt_id)
        return row is not None and row.prompt.owner == owner

    def owners(self):
        return [*self._state.owners.values()]

    def limit_owner(self, name, limits, *, weight=None):
        if unknown := limits.keys() - set(Limits.__dataclass_fields__):
            raise ValueError(f"No limit is named {unknown}.")
        if weight is not None:
            refuse_weight(weight)
        with self.transaction():
            owner = self._owner(name)
            changed = replace(owner, limits=replace(owner.limits, **limits), weight=weight or owner.weight)
            self._work.owners[name] = changed
            self._work.keys_version += 1
            self._work.turns.weights[owner.number] = changed.weight
            self._work.moves += weight is not None
            return changed

    def keys_version(self):
        return self._state.keys_version

    def keyring(self):
        return [
            (digest, self._shown_key(key))
            for digest, key in sorted(self._state.keyring.items(), key=lambda kept: (kept[1].created_at, kept[1].name))
        ]

    def add_key(self, new, *, owner, role, expires_at=None):
        refuse_keyless(owner)
        with self.transaction():
            self._work.owners.setdefault(owner, Owner(number=len(self._work.owners), name=owner))
            made = Key(
                name=new.name,
                owner=self._owner(owner),
                role=role,
                created_at=self._clock.wall(),
                expires_at=expires_at,
            )
            self._work.keyring[new.digest] = made
            self._work.keys_version += 1
            return made

    def revoke_key(self, name):
        found = next((each for each in self._state.keyring.items() if each[1].name == name), None)
        if found is None:
            raise KeyNotFound
        digest, key = found
        if key.revoked_at is None:
            key = replace(key, revoked_at=self._clock.wall())
            with self.transaction():
                self._work.keyring[digest] = key
                self._work.keys_version += 1
        return self._shown_key(key)

    def drop_keys(self):
        with self.transaction():
            dropped = len(self._work.keyring)
            self._work.keyring.clear()
            self._work.keys_version += 1
        return dropped

    def note_use(self, names):
        with self.transaction():
            for digest, key in self._work.keyring.items():
                if key.name in names:
                    self._work.keyring[digest] = replace(key, used_at=self._clock.wall() // HOUR * HOUR)

    def record(self, deed):
        with self.transaction():
            at = self._clock.wall() if deed.at is None else deed.at
            number = self._work.deeds[-1].number + 1 if self._work.deeds else 1
            self._work.deeds.append(replace(deed, at=at, number=number))

    def deeds(self, *, limit, before=None):
        return [each for each in reversed(self._state.deeds) if before is None or each.number < before][:limit]

    def _owner(self, name):
        try:
            return self._state.owners[name]
        except KeyError:
            raise OwnerNotFound from None

    def _shown_key(self, key):
        return replace(key, owner=self._state.owners[key.owner.name])
