"""A queue in a file, as it comes into being in a migration: under a name of its own until it is whole."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from promptqueue.errors import NotMigratable
from promptqueue.migration.sides import Marks, upsert
from promptqueue.migration.sqlite_side import count, rows
from promptqueue.migration.tables import Row, Table
from promptqueue.sqlite.copies.atomic_file import to_disk
from promptqueue.sqlite.file import schema
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.file.errors import storage_errors
from promptqueue.sqlite.file.open_files import connect
from promptqueue.sqlite.host import filesystem

CACHE = 64 * 1024  # KB: ids are random, so that each new one changes another page of their index

PRIORITY = "CASE :lane WHEN 0 THEN 'interactive' ELSE 'batch' END"

WRITES = {
    "prompts": (
        f"""
        INSERT INTO prompts
            (seq, id, priority, status, outcome, attempt, failures, tokens, created_at, started_at, completed_at,
             expires_at, timeout_seconds, metadata, error_code, error_message, ran_seconds, last_error, bad_ends,
             queued_at, erased_at, owner, bytes, server)
        VALUES (:seq, :id, {PRIORITY}, :status, :outcome, :attempt, :failures, :tokens, :created_at, :started_at,
                :completed_at, :expires_at, :timeout_seconds, :metadata, :error_code, :error_message, :ran_seconds,
                :last_error, :bad_ends, :queued_at, CASE WHEN :is_erased THEN :completed_at END, :owner, :bytes,
                :server)
        """,
        "INSERT INTO requests (seq, request) SELECT :seq, :request WHERE :request IS NOT NULL",
        "INSERT INTO answers (seq, answer) SELECT :seq, :answer WHERE :answer IS NOT NULL",
        "INSERT INTO origins (seq, face, echo) SELECT :seq, :face, :echo WHERE :face IS NOT NULL",
    ),
    "partials": (
        "INSERT INTO partials (seq, attempt, offset, text, length) VALUES (:seq, :attempt, :at, :text, :chars)",
    ),
    "lanes": (
        f"UPDATE lanes SET share = :share, price = :price, start = :start, now = :now WHERE priority = {PRIORITY}",
        f"UPDATE counters SET moves = :moves WHERE status = 'queued' AND priority = {PRIORITY}",
    ),
    "turns": (
        f"""
        INSERT INTO turns (priority, owner, start, since, price, weight)
        VALUES ({PRIORITY}, :owner, :start, :since, :price,
                coalesce((SELECT weight FROM owners WHERE owner = :owner), 1))
        ON CONFLICT (priority, owner) DO UPDATE
        SET start = excluded.start, since = excluded.since, price = excluded.price
        """,
    ),
    "control": (
        "UPDATE control SET paused = :paused, keys_version = :keys_version, secret = :secret",
        "DELETE FROM sqlite_sequence WHERE name = 'prompts'",
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'prompts', :last_number WHERE :last_number > 0",
    ),
}
"""Where a table is not simply what it is called. Triggers count what comes, and usage only where a prompt ends."""

KEPT = {
    "how many wait, run and are done": (
        "SELECT status, priority, count(*) FROM prompts GROUP BY 1, 2",
        "SELECT status, priority, prompts FROM counters WHERE prompts > 0",
    ),
    "the line": (
        "SELECT priority, owner, seq / 256, count(*) FROM prompts WHERE status = 'queued' GROUP BY 1, 2, 3",
        "SELECT priority, owner, block, prompts FROM line",
    ),
    "who waits": (
        "SELECT priority, owner, count(*) FROM prompts WHERE status = 'queued' GROUP BY 1, 2",
        "SELECT priority, owner, waiting FROM turns WHERE waiting > 0",
    ),
    "what each owner stores": (
        "SELECT owner, sum(bytes) FROM prompts GROUP BY 1 HAVING sum(bytes) > 0",
        "SELECT owner, stored_bytes FROM owners WHERE stored_bytes > 0",
    ),
}
"""What triggers keep, beside a count of what there is."""


class SQLiteTarget:
    """Keeps the contract of `promptqueue.migration.sides.Target`."""

    def __init__(self, path: Path) -> None:
        """Make a file beside `path`, or take up the one that is there. Raises NotMigratable where `path` is taken."""
        self._path = path
        self._unfinished = path.with_name(f".{path.name}.migrating")
        _refuse_taken(path)
        with storage_errors(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            filesystem.refuse_network(path.parent)
            self._sqlite = self._opened()

    def close(self) -> None:
        self._sqlite.close()

    def begin(self, source: str) -> Marks:
        with storage_errors(self._path):
            known = self._sqlite.execute("SELECT 1 FROM sqlite_schema WHERE name = 'migrating'").fetchone()
            [version] = self._sqlite.execute("PRAGMA user_version").fetchone()
            if not known or version != schema.known():
                self.give_up()  # it was killed as it began, or as it ended, or another version of us began it
                self._sqlite = self._opened()
                self._make(source)
            marks = dict(self._sqlite.execute("SELECT name, upto FROM migrating"))
        if marks.pop("", None) != source:
            message = (
                f"{self._unfinished} is what came so far of another queue: go on with that one, or remove the file."
            )
            raise NotMigratable(message)
        return {name: tuple(json.loads(upto)) for name, upto in marks.items()}

    def write(self, table: Table, rows: list[Row]) -> None:
        with self._commit():
            values: list[dict[str, object]] = [dict(zip(table.columns, row, strict=True)) for row in rows]
            for each in values:
                if (secret := each.get("secret")) is not None:
                    each["secret"] = bytes.fromhex(str(secret))
            for statement in WRITES.get(table.name) or (upsert(table, ":{}"),):
                self._sqlite.executemany(statement, values)
            mark = (table.name, json.dumps(table.key_of(rows[-1])))
            self._sqlite.execute("INSERT OR REPLACE INTO migrating (name, upto) VALUES (?, ?)", mark)

    def count(self, table: Table) -> int:
        with storage_errors(self._path):
            return count(self._sqlite, table)

    def rows(self, table: Table, after: Row | None = None) -> Iterator[Row]:
        with storage_errors(self._path):
            yield from rows(self._sqlite, table, after)

    def miscounts(self) -> list[str]:
        with storage_errors(self._path):
            return [what for what, (counted, kept) in KEPT.items() if self._differ(counted, kept)]

    def finish(self) -> None:
        with self._commit():
            self._sqlite.execute("DROP TABLE migrating")
        self._sqlite.close()
        with storage_errors(self._path):
            to_disk(self._unfinished)
            self._path.hardlink_to(self._unfinished)  # which would not replace what somebody put there meanwhile
            self._unfinished.unlink()
            to_disk(self._path.parent)

    def give_up(self) -> None:
        self._sqlite.close()
        with storage_errors(self._path):
            self._unfinished.unlink()

    def _opened(self) -> sqlite3.Connection:
        filesystem.make_file(self._unfinished)
        sqlite = connect(self._unfinished, 0.0)
        sqlite.execute(f"PRAGMA cache_size = -{CACHE}")
        sqlite.row_factory = None
        return sqlite

    def _make(self, source: str) -> None:
        self._sqlite.execute("PRAGMA auto_vacuum = INCREMENTAL")
        with self._commit():
            for statements in schema.migrations():
                for statement in statements:
                    self._sqlite.execute(statement)
            self._sqlite.execute(f"PRAGMA user_version = {schema.known()}")
            self._sqlite.execute("CREATE TABLE migrating (name TEXT PRIMARY KEY, upto TEXT NOT NULL) STRICT")
            self._sqlite.execute("INSERT INTO migrating (name, upto) VALUES ('', ?)", (source,))

    @contextmanager
    def _commit(self) -> Iterator[None]:
        with storage_errors(self._path):
            self._sqlite.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._sqlite.execute("COMMIT")
            finally:
                if self._sqlite.in_transaction:
                    self._sqlite.execute("ROLLBACK")

    def _differ(self, counted: str, kept: str) -> bool:
        found = self._sqlite.execute(
            f"SELECT * FROM ({counted} EXCEPT {kept}) UNION ALL SELECT * FROM ({kept} EXCEPT {counted}) LIMIT 1"
        )
        return found.fetchone() is not None


def _refuse_taken(path: Path) -> None:
    for suffix in ("", "-wal", "-journal"):
        if path.with_name(f"{path.name}{suffix}").exists():
            message = f"There is a file {path}{suffix} already: move it away first, or name another one."
            raise NotMigratable(message)
