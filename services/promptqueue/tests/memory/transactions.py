"""What verbs in memory share: one writer at a time, all or nothing, and who hears of it."""

from contextlib import contextmanager
from dataclasses import replace

from promptqueue.errors import PromptNotFound
from promptqueue.notes import Changed, Written
from promptqueue.prompt import Status


class Transactions:
    """One thread's view: what was committed, or within a transaction of its own what that has made of it."""

    def __init__(self, storage):
        self._storage, self._clock = storage, storage.clock
        self._work = None
        self._changed, self._written = set(), set()

    @property
    def _state(self):
        return self._work or self._storage.state

    @contextmanager
    def transaction(self, *, durable=True):
        with self._savepoint() if self._work else self._outermost():
            yield

    @contextmanager
    def _savepoint(self):
        before = self._work.copy()
        try:
            yield
        except BaseException:
            self._work = before
            raise

    @contextmanager
    def _outermost(self):
        with self._storage.turn():
            self._work = self._storage.state.copy()
            try:
                yield
                self._storage.state = self._work
            except BaseException:
                self._changed, self._written = set(), set()
                raise
            finally:
                self._work = None
                changed, self._changed = self._changed, set()
                written, self._written = self._written - changed, set()
        for prompt_id in [None] if None in changed else changed:
            self._storage.say(Changed(prompt_id))
        for prompt_id in written:
            self._storage.say(Written(prompt_id))

    def _row(self, prompt_id):
        try:
            return self._state.rows[prompt_id]
        except KeyError:
            raise PromptNotFound from None

    def _shown(self, row):
        return replace(row.prompt, overdue=self._is_overdue(row))

    def _keep(self, row):
        """Store a row, within a transaction."""
        before = self._work.rows.get(row.prompt.id)
        if (before is not None and before.waits) != row.waits:
            self._work.moves += 1
            if row.waits:
                self._work.turns.join(row.prompt.priority, row.prompt.owner, row.seq)
            elif row.prompt.status is Status.COMPLETED:
                self._work.turns.leave(row.prompt.priority, row.prompt.owner)
        self._work.rows[row.prompt.id] = row
        return row

    def _move(self, row, of_prompt=None, **changes):
        """Change a row and let everybody hear of it."""
        self._changed.add(row.prompt.id)
        return self._keep(replace(row, prompt=replace(row.prompt, **of_prompt or {}), **changes))

    def _erase(self, row):
        del self._work.rows[row.prompt.id]
        if row.waits:
            self._work.moves += 1
            self._work.turns.leave(row.prompt.priority, row.prompt.owner)

    def _line(self):
        """Who waits, the first that came first."""
        return sorted((row for row in self._state.rows.values() if row.waits), key=lambda row: row.seq)

    def _line_of(self, lane, owner):
        """Whose turn it is when it is this owner's."""
        return [row for row in self._line() if (row.prompt.priority, row.prompt.owner) == (lane, owner)]

    def _running(self, owner):
        processing = [row for row in self._state.rows.values() if row.prompt.status is Status.PROCESSING]
        return [row for row in processing if row.prompt.owner == owner]

    def _completed(self):
        return [row for row in self._state.rows.values() if row.prompt.status is Status.COMPLETED]
