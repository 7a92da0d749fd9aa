"""Which SQLite is linked, and which journal it can be trusted with."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
else:
    try:
        # The standard library's module, linked to a current SQLite. One process never opens a file through both
        # modules: closing one's descriptor would drop the other's POSIX locks (sqlite.org/howtocorrupt.html, 2.2).
        from pysqlite3 import dbapi2 as sqlite3
    except ImportError:
        import sqlite3

__all__ = ["journal_mode", "sqlite3"]


def journal_mode(wanted: str, version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str:
    """Return the journal mode to use: `wanted`, or for `auto` what the linked SQLite can be trusted with.

    Before 3.51.3 (3.50.7 and 3.44.6 in their branches) a WAL file that several processes write and check-point can be
    reset at the wrong moment and corrupt the database (sqlite.org/wal.html, "The WAL-Reset Bug").
    """
    if wanted != "auto":
        return wanted
    mended = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    return "wal" if mended else "persist"
