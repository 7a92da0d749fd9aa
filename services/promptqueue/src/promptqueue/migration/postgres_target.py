"""A queue in PostgreSQL, as it comes into being in a migration."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from promptqueue.errors import NotMigratable
from promptqueue.migration.postgres_side import AS_JSON, PostgresSide
from promptqueue.migration.sides import Marks, upsert
from promptqueue.migration.tables import Row, Table, Value
from promptqueue.postgres.server import schema
from promptqueue.postgres.server.address import Address
from promptqueue.postgres.server.errors import storage_errors
from promptqueue.stored import stored_text

EMPTIED = (
    *("prompts", "line", "ended", "partials", "idempotency_keys", "holds", "gone_holders"),
    *("tally", "sums", "blocks", "endings", "usage", "minutes", "charges", "turns"),
    *("owners", "keys", "audit", "models"),
)
"""Tables of which a queue that nobody has used yet may have rows, and those that are not full from the beginning."""

IS_USED = """
    SELECT EXISTS (SELECT 1 FROM prompts) OR EXISTS (SELECT 1 FROM idempotency_keys) OR EXISTS (SELECT 1 FROM keys)
        OR EXISTS (SELECT 1 FROM usage) OR EXISTS (SELECT 1 FROM endings) AS is_used
"""

BEGUN_WITH = ("owners", "totals", "durations")
"""Tables of which a queue has rows from the beginning."""

WRITES = {
    "lanes": (
        """
        UPDATE lanes SET share = %(share)s, price = %(price)s, start = %(start)s, now = %(now)s WHERE lane = %(lane)s
        """,
        "INSERT INTO tally (lane, owner, moves) VALUES (%(lane)s, 0, %(moves)s)",
    ),
    "control": (
        """
        UPDATE control
        SET paused = %(paused)s = 1, keys_version = %(keys_version)s, secret = decode(%(secret)s, 'hex')
        """,
        "SELECT setval('prompts_seq_seq', greatest(1, %(last_number)s), %(last_number)s > 0)",
        "SELECT setval(pg_get_serial_sequence('owners', 'owner'), (SELECT max(owner) FROM owners))",
        """
        SELECT setval(pg_get_serial_sequence('audit', 'number'), coalesce((SELECT max(number) FROM audit), 1),
                      EXISTS (SELECT 1 FROM audit))
        """,
    ),
}
"""Where a table is not simply what it is called; the last of them also sets what numbers come next."""

KEPT = {
    "how many wait and are done": (
        """
        SELECT prompts.lane, prompts.owner, count(*) FILTER (WHERE ended.seq IS NULL), count(ended.seq),
               sum(prompts.bytes + coalesce(ended.bytes, 0))
        FROM prompts LEFT JOIN ended USING (seq) GROUP BY 1, 2
        """,
        """
        SELECT lane, owner, sum(prompts)::bigint, sum(completed)::bigint, sum(bytes)
        FROM counted GROUP BY 1, 2 HAVING sum(prompts) <> 0 OR sum(completed) <> 0
        """,
    ),
    "the line": (
        "SELECT lane, owner, seq / 256, count(*)::numeric FROM line GROUP BY 1, 2, 3",
        "SELECT lane, owner, block, sum(prompts) FROM placed GROUP BY 1, 2, 3 HAVING sum(prompts) <> 0",
    ),
}
"""What the ledgers say, beside a count of what there is."""

QUEUED = ("seq", "owner", "lane", "attempt", "failures", "expires_at", "timeout_seconds", "last_error", "bad_ends")
ASKED = ("seq", "id", "owner", "lane", "created_at", "queued_at", "expires_at", "timeout_seconds", "metadata")
ENDED = ("seq", "owner", "outcome", "attempt", "failures", "tokens", "started_at", "completed_at", "error_code")

Named = dict[str, Any]


class PostgresTarget(PostgresSide):
    """Keeps the contract of `promptqueue.migration.sides.Target`; `server.schema` refuses what is unfinished."""

    def _prepare(self, address: Address) -> None:  # noqa: ARG002 (the session is at that address)
        schema.migrate(self._session)

    def begin(self, source: str) -> Marks:
        with storage_errors(), self._session.transaction():
            if not schema.is_unfinished(self._session):
                self._make(source)
            found = self._session.execute("SELECT name, upto FROM migrating").fetchall()
        marks = {row["name"]: row["upto"] for row in found}
        if marks.pop("", None) != source:
            message = (
                "The target holds what came so far of another queue: go on with that one, or name another database."
            )
            raise NotMigratable(message)
        return {name: tuple(json.loads(upto)) for name, upto in marks.items()}

    def write(self, table: Table, rows: list[Row]) -> None:
        as_json = AS_JSON.get(table.name, ())
        named = [_stored(table, dict(zip(table.columns, row, strict=True)), as_json) for row in rows]
        with storage_errors(), self._session.transaction():
            if table.name == "prompts":
                self._write_prompts(named)
            elif table.name in WRITES or table.name in BEGUN_WITH:
                for statement in WRITES.get(table.name) or (upsert(table, "%({})s"),):
                    self._session.cursor().executemany(statement, named)
            else:
                self._copy(table.name, table.columns, (each.values() for each in named))
            mark = (table.name, json.dumps(table.key_of(rows[-1])))
            self._session.execute(
                """
                INSERT INTO migrating (name, upto) VALUES (%s, %s)
                ON CONFLICT (name) DO UPDATE SET upto = excluded.upto
                """,
                mark,
            )

    def miscounts(self) -> list[str]:
        with storage_errors():
            return [what for what, (counted, kept) in KEPT.items() if self._differ(counted, kept)]

    def finish(self) -> None:
        with storage_errors():
            self._session.execute("ANALYZE")
            self._session.execute("DROP TABLE migrating")

    def give_up(self) -> None:
        with storage_errors(), self._session.transaction():
            self._empty()
            self._session.execute("DELETE FROM migrating WHERE name <> ''")

    def _make(self, source: str) -> None:
        [found] = self._session.execute(IS_USED).fetchall()
        if found["is_used"]:
            message = "The target is a queue already, and not an empty one: name another database."
            raise NotMigratable(message)
        self._empty()
        self._session.execute("CREATE TABLE migrating (name text PRIMARY KEY, upto text NOT NULL)")
        self._session.execute("INSERT INTO migrating (name, upto) VALUES ('', %s)", [source])

    def _empty(self) -> None:
        self._session.execute(f"TRUNCATE {', '.join(EMPTIED)}")

    def _write_prompts(self, prompts: list[Named]) -> None:
        for each in prompts:
            # What an older version stored was not measured.
            each["answer_bytes"] = min(each["bytes"], len((each["answer"] or "").encode()))
            each["asked_bytes"] = each["bytes"] - each["answer_bytes"]
            each["asked_at"] = each["created_at"] if each["queued_at"] is None else each["queued_at"]
        waiting = [each for each in prompts if each["status"] == "queued"]
        ended = [each for each in prompts if each["status"] != "queued"]
        self._copy_named("prompts", (*ASKED, "request", "face", "echo"), prompts, bytes="asked_bytes")
        self._copy_named("line", (*QUEUED, "server", "asked_at", "status"), waiting)
        more = ("error_message", "last_error", "ran_seconds", "server", "is_erased", "answer")
        self._copy_named("ended", (*ENDED, *more), ended, bytes="answer_bytes")
        self._tally(waiting, ended)

    def _tally(self, waiting: list[Named], ended: list[Named]) -> None:
        """Count prompts as those who accepted and ended them did."""
        blocks = Counter((each["lane"], each["owner"], each["seq"] // 256) for each in waiting)
        completed = Counter((each["lane"], each["owner"]) for each in ended)
        stored = Counter[tuple[Value, Value]]()
        for each in (*waiting, *ended):
            stored[each["lane"], each["owner"]] += each["bytes"]
        counted: list[tuple[Value, ...]] = [(*place, number, 0, 0) for place, number in blocks.items()]
        counted += [(lane, owner, None, 0, number, completed[lane, owner]) for (lane, owner), number in stored.items()]
        self._copy("tally", ("lane", "owner", "block", "prompts", "bytes", "completed"), counted)

    def _copy_named(self, table: str, names: tuple[str, ...], rows: list[Named], **renamed: str) -> None:
        columns = (*names, *renamed)
        wanted = (*names, *renamed.values())
        self._copy(table, columns, ([row[name] for name in wanted] for row in rows))

    def _copy(self, table: str, columns: tuple[str, ...], rows: Iterable[Iterable[object]]) -> None:
        statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with self._session.cursor().copy(statement) as copy:
            for row in rows:
                copy.write_row(tuple(row))

    def _differ(self, counted: str, kept: str) -> bool:
        found = self._session.execute(f"({counted} EXCEPT {kept}) UNION ALL ({kept} EXCEPT {counted}) LIMIT 1")
        return bool(found.fetchall())


def _stored(table: Table, row: Named, as_json: tuple[str, ...]) -> Named:
    """Give a row as it is stored. Raises NotMigratable for a text that no PostgreSQL stores."""
    for name, value in row.items():
        if not isinstance(value, str):
            continue
        if name in as_json:
            row[name] = stored_text(value)
        elif "\0" in value:
            named = " ".join(str(part) for part in table.key_of(tuple(row.values())))
            message = (
                f"In {table.name} {named} is a U+0000, which only damage brings there and PostgreSQL does not store: "
                "delete what it belongs to, and go on."
            )
            raise NotMigratable(message)
    return row
