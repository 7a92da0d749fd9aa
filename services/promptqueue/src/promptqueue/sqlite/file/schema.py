"""The schema: the numbered migrations that lead to it."""

from importlib import resources

from promptqueue.sqlite.file.engine import sqlite3


def known() -> int:
    """Return the number of the newest schema that this program knows."""
    return len(migrations())


def migrations() -> list[list[str]]:
    """Return the statements that lead from each schema to the next, beginning with none."""
    folder = resources.files("promptqueue") / "sqlite" / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [_statements(file.read_text("utf-8")) for file in files]


def _statements(script: str) -> list[str]:
    # executescript() would commit first and release the lock.
    statements, statement = [], ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            statements.append(statement)
            statement = ""
    return [*statements, statement]  # the rest is a comment, or incomplete and refused by SQLite
