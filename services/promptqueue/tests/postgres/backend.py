"""The PostgreSQL backend, as the suite of every backend is handed it: a real server for each process that tests."""

import atexit
from contextlib import ExitStack, contextmanager
from functools import cache
from unittest import mock

import psycopg
from promptqueue.postgres.verbs.whole import folding
from promptqueue.storage import connect
from support.postgres import postgres_server

DATABASE = "contract"
KEPT = ("schema_version",)


PAIRS = [
    (
        "SELECT lane, owner, seq / 256 AS block, count(*) FROM line WHERE status = 'queued' GROUP BY 1, 2, 3",
        "SELECT lane, owner, block, sum(prompts)::bigint FROM placed GROUP BY 1, 2, 3 HAVING sum(prompts) <> 0",
    ),
    (
        "SELECT lane, owner, count(*) FROM line WHERE status = 'queued' GROUP BY 1, 2",
        "SELECT lane, owner, sum(prompts)::bigint FROM counted GROUP BY 1, 2 HAVING sum(prompts) <> 0",
    ),
    (
        "SELECT lane, owner, count(*) FROM prompts JOIN ended USING (seq, owner) GROUP BY 1, 2",
        "SELECT lane, owner, sum(completed)::bigint FROM counted GROUP BY 1, 2 HAVING sum(completed) <> 0",
    ),
    (
        """
        SELECT prompts.owner, sum(prompts.bytes + coalesce(ended.bytes, 0))::bigint
        FROM prompts LEFT JOIN ended USING (seq) GROUP BY 1
        HAVING sum(prompts.bytes + coalesce(ended.bytes, 0)) <> 0
        """,
        "SELECT owner, sum(bytes)::bigint FROM counted GROUP BY 1 HAVING sum(bytes) <> 0",
    ),
    (
        "SELECT seq, owner, lane FROM prompts",
        """
        SELECT seq, owner, lane FROM line
        UNION ALL
        SELECT seq, ended.owner, lane FROM ended JOIN prompts USING (seq)
        """,
    ),
]
"""What is counted, and what was kept of it."""

NOTHING = [
    *(
        f"SELECT FROM {table} WHERE seq NOT IN (SELECT seq FROM prompts)"
        for table in ("line", "ended", "partials", "holds")
    ),
    "SELECT FROM holds JOIN ended USING (seq) WHERE is_open",
    "SELECT FROM holds JOIN line USING (seq) WHERE NOT is_open",
    "SELECT FROM charges",  # who is alone has the book
]
"""What must not be."""


@cache
def server():
    """The server of this process; it goes with it. Whether a commit waits for the disk is seen all the same."""
    running = ExitStack()
    atexit.register(running.close)
    return running.enter_context(postgres_server(durable=False))


@cache
def seeds():
    """Make the database; its tables, each with the rows that it has from the beginning."""
    server().make_database(DATABASE)
    storage = connect(server().url(DATABASE))
    storage.open().close()
    storage.close()
    with psycopg.connect(server().url(DATABASE)) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for (name,) in tables if name not in KEPT}


def empty():
    """Let the database be as it was when it was made."""
    tables = seeds()
    with psycopg.connect(server().url(DATABASE)) as connection:
        connection.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")
        for name, rows in tables.items():
            for row in rows:
                connection.execute(f"INSERT INTO {name} VALUES ({', '.join(['%s'] * len(row))})", row)
        connection.execute("ALTER TABLE owners ALTER COLUMN owner RESTART WITH 2")


class PostgresBackend:
    outlives_a_reboot = False  # its server's reboots are its own affair
    knows_its_disk = False
    writes_in_turns = False

    @contextmanager
    def fresh(self, clock):
        """An empty queue, whose ledgers are folded at each chance."""
        empty()
        storage = connect(server().url(DATABASE), clock=clock)
        try:
            with mock.patch.object(folding, "MANY", 1):
                yield storage
        finally:
            storage.close()

    def check(self, queue):
        """Hold the ledgers beside a real count, which is given, and texts beside their prompts."""
        run = queue._database.run
        for counted, kept in PAIRS:
            assert _rows(run(counted)) == _rows(run(kept))
        for nothing in NOTHING:
            assert not run(nothing)
        counted = run(
            """
            SELECT coalesce(status, 'completed') AS status, prompts.lane, count(*) AS prompts
            FROM prompts LEFT JOIN line USING (seq) GROUP BY 1, 2
            """
        )
        return {(row["status"], ("interactive", "batch")[row["lane"]]): row["prompts"] for row in counted}


def _rows(found):
    return sorted(tuple(row.values()) for row in found)
