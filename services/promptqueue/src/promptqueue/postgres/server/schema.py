"""The schema: the numbered migrations that lead to it."""

from importlib import resources

from promptqueue.errors import QueueMissing, StorageUnavailable
from promptqueue.postgres.server import locks
from promptqueue.postgres.server.errors import storage_errors
from promptqueue.postgres.server.session import Session

NO_QUEUE = (
    "There is no queue in this database: name the one you mean with --database-url or DATABASE_URL; a proxy or a "
    "worker that is started makes one."
)


THERE = "SELECT EXISTS (SELECT FROM pg_class WHERE relname = %s AND pg_table_is_visible(oid)) AS there"
"""Not by to_regclass: within a transaction that goes on believing that there is none, whoever has made it since."""

ELSEWHERE = """
    SELECT nspname FROM pg_namespace JOIN pg_class AS versions ON relnamespace = pg_namespace.oid
    WHERE relname = 'schema_version'
    AND EXISTS (SELECT FROM pg_class WHERE relnamespace = pg_namespace.oid AND relname = 'presences')
"""
"""Queues in schemas that this user's search_path does not lead to."""


def known() -> int:
    """Return the number of the newest schema that this program knows."""
    return len(_migrations())


def version(session: Session) -> int:
    """Read the number of the schema that is there, 0 where there is none. Raises StorageUnavailable."""
    with storage_errors():
        if not _has_table(session, "schema_version"):
            return 0
        [found] = session.execute("SELECT version FROM schema_version").fetchall()
        return int(found["version"])


def _has_table(session: Session, name: str) -> bool:
    [found] = session.execute(THERE, [name]).fetchall()
    return bool(found["there"])


def migrate(session: Session, *, may_make: bool = True) -> None:
    """Bring the schema to the newest that is known, each step in a commit of its own, and one process at a time.

    Raises QueueMissing where there is none and none may be made.
    Raises StorageUnavailable for tables of somebody else, for a newer schema, and where the user may not make tables.
    """
    scripts = _migrations()
    if not may_make and not version(session):
        raise QueueMissing(NO_QUEUE)
    while version(session) != len(scripts):
        with storage_errors(), session.transaction():
            session.execute("SELECT pg_advisory_xact_lock(%s, %s)", [locks.SINGLE, locks.SCHEMA])
            now = version(session)
            _refuse(session, now, len(scripts))
            if now < len(scripts):
                _step(session, now, scripts[now])


def is_unfinished(session: Session) -> bool:
    """Whether a migration has not come to its end here: then it is no queue yet. Raises StorageUnavailable."""
    with storage_errors():
        return _has_table(session, "migrating")


def refuse_unfinished(session: Session) -> None:
    """Raise StorageUnavailable where a migration has not come to its end."""
    if is_unfinished(session):
        message = (
            "The queue is being moved into this database and is not whole yet: let python -m promptqueue migrate go "
            "on, or name another database."
        )
        raise StorageUnavailable(message)


def _step(session: Session, now: int, script: str) -> None:
    if now == 0:
        session.execute("CREATE TABLE schema_version (version integer NOT NULL)")
        session.execute("INSERT INTO schema_version (version) VALUES (0)")
    session.execute("SET LOCAL statement_timeout = 0")  # for a table that is large
    session.execute(script, prepare=False)
    session.execute("UPDATE schema_version SET version = %s", [now + 1])


def _refuse(session: Session, now: int, newest: int) -> None:
    if now > newest:
        message = (
            f"The queue's database has schema {now}, and this version knows {newest} at most: "
            "run the version that wrote it, or a newer one."
        )
        raise StorageUnavailable(message)
    if now:
        return
    [found] = session.execute(
        """
        SELECT to_regclass('prompts') IS NOT NULL AS foreign_table, current_database() AS name,
               current_user AS who, pg_encoding_to_char(encoding) AS encoding,
               coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create
        FROM pg_database WHERE datname = current_database()
        """
    ).fetchall()
    if found["foreign_table"]:
        message = (
            f"The database {found['name']} has a table prompts that is none of the queue's: name another database."
        )
        raise StorageUnavailable(message)
    if elsewhere := session.execute(ELSEWHERE).fetchall():
        message = (
            f"The database {found['name']} has a queue in its schema {elsewhere[0]['nspname']}: name another database, "
            "for queues in one would take each other's locks."
        )
        raise StorageUnavailable(message)
    if found["encoding"] != "UTF8":
        message = f"The database {found['name']} is in {found['encoding']}: make one in UTF8."
        raise StorageUnavailable(message)
    if not found["may_create"]:
        message = (
            f"The user {found['who']} may not make tables in the database {found['name']}: let it own the database "
            f"(ALTER DATABASE {found['name']} OWNER TO {found['who']}), or grant it CREATE on its schema."
        )
        raise StorageUnavailable(message)


def _migrations() -> list[str]:
    folder = resources.files("promptqueue") / "postgres" / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [file.read_text("utf-8") for file in files]
