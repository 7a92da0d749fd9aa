"""The two sides of a migration, whichever engines they are of."""

from collections.abc import Iterator
from typing import Protocol

from promptqueue.migration.tables import Row, Table

Marks = dict[str, Row]
"""How far each table has come: the key of its last row."""


class Side(Protocol):
    """A queue that is read, and that is nobody else's meanwhile. Everything may raise StorageUnavailable."""

    def close(self) -> None:
        """Let others open it."""

    def count(self, table: Table) -> int:
        """Count the rows of a table."""

    def rows(self, table: Table, after: Row | None = None) -> Iterator[Row]:
        """Read a table in the order of its keys, from the one `after` this key on."""


class Target(Side, Protocol):
    """A queue that comes into being. Until it is whole nobody can open it by mistake."""

    def begin(self, source: str) -> Marks:
        """Make room for the queue of this identity, or find how far it has come before it was broken off.

        Raises NotMigratable where there is a queue already, or a part of another one.
        """

    def write(self, table: Table, rows: list[Row]) -> None:
        """Store rows, and how far the table has come with them: all or nothing. Raises NotMigratable."""

    def miscounts(self) -> list[str]:
        """Name what the engine counts by itself and what is not so."""

    def finish(self) -> None:
        """Let it be a queue like any other."""

    def give_up(self) -> None:
        """Remove all of it."""


def selection(select: str, keys: tuple[str, ...], after: tuple[str, ...] | None) -> str:
    """Write the statement that gives what `select` does in the order of its `keys`, `after` these values on."""
    order = ", ".join(keys)
    later = "" if after is None else f"WHERE ({order}) > ({', '.join(after)})"
    return f"SELECT * FROM ({select}) AS wanted {later} ORDER BY {order}"


def upsert(table: Table, value: str) -> str:
    """Write the statement that stores a row where there may be one of its key already; `value` is how one is named."""
    columns, key = table.columns, table.columns[: table.key]
    values = ", ".join(value.format(name) for name in columns)
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns[table.key :])
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({values}) "
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
    )
