"""The verbs about the last minutes: history, observe; and how the end of a prompt is counted."""

from promptqueue.condition import Minute
from promptqueue.history import KEPT, SAME, Noted, Now, Sight, first_look, last_minutes, news
from promptqueue.machine.clock import Clock
from promptqueue.prompt import Outcome
from promptqueue.sqlite.file.database import Database
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.verbs import line
from promptqueue.sqlite.verbs.base import Verbs


def count_end(database: Database, clock: Clock, ended: sqlite3.Row) -> None:
    """Count a prompt, whose row this is, among those that end now. Within the transaction by which it ends."""
    now = _now(clock)
    database.run(
        """
        UPDATE minutes SET completed = completed + :completed, failed = failed + :failed, tokens = tokens + :tokens,
            rested = (SELECT CASE WHEN sum(prompts) = 0 THEN sum(moves) END FROM counters WHERE status = 'queued')
        WHERE boot = :boot AND began = :began
        """,
        boot=now.boot,
        began=_minute(database, now, began=now.began, minute=now.minute),
        completed=int(ended["outcome"] == Outcome.SUCCEEDED),
        failed=int(ended["outcome"] == Outcome.FAILED),
        tokens=ended["tokens"] or 0,
    )


class MinuteVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def history(self, minutes: int) -> list[Minute]:
        return last_minutes(self._noted(), now=_now(self._clock), line=self._look(), number=minutes)

    def observe(self, seen: Sight | None = None) -> Sight:
        sight = self._look()
        look = first_look(sight, seen)
        if look is not seen and news(sight, seen=seen, noted=self._noted()):
            with self._database.transaction(durable=False):
                for each in news(sight, seen=seen, noted=self._noted()):  # somebody else may have been quicker
                    self._note_sight(each)
        return look

    def _noted(self) -> list[Noted]:
        return [_noted(row) for row in self._database.run("SELECT * FROM minutes")]

    def _look(self) -> Sight:
        now, since = _now(self._clock), line.waiting_since(self._database)
        return Sight(
            boot=now.boot,
            began=now.began,
            minute=now.minute,
            moves=line.moves(self._database),
            queued=sum(line.waiting(self._database).values()),
            oldest_wait_seconds=None if since is None else max(0.0, now.wall - since),
        )

    def _note_sight(self, sight: Sight) -> None:
        self._database.run(
            """
            UPDATE minutes SET moves = :moves, queued = :queued, oldest_wait_seconds = :waited
            WHERE boot = :boot AND began = :began
            """,
            boot=sight.boot,
            began=_minute(self._database, _now(self._clock), began=sight.began, minute=sight.minute),
            moves=sight.moves,
            queued=sight.queued,
            waited=sight.oldest_wait_seconds,
        )


def _minute(database: Database, now: Now, *, began: int, minute: int) -> int:
    """Find the row of a minute of this boot, or make it and let go of old ones; when it `began` there."""
    [known] = database.run(
        "SELECT max(began) AS began FROM minutes WHERE boot = :boot AND began > :from AND began < :to",
        **{"boot": now.boot, "from": began - SAME, "to": began + SAME},
    )
    if known["began"] is not None:
        return int(known["began"])
    database.run(
        "INSERT INTO minutes (boot, began, minute) VALUES (:boot, :began, :minute)",
        boot=now.boot,
        began=began,
        minute=minute,
    )
    # What was last known of the line before that stays: it holds until the line moves. How old a minute of another boot
    # is, the wall clock alone says; it may be wrong, so none goes before this boot is old enough itself.
    database.run(
        """
        DELETE FROM minutes
        WHERE (boot = :boot AND began < :horizon AND began IS NOT (
                  SELECT max(began) FROM minutes
                  WHERE boot = :boot AND began < :horizon AND coalesce(moves, rested) IS NOT NULL))
           OR (boot <> :boot AND minute < :wall_horizon AND :horizon > 0)
        """,
        boot=now.boot,
        horizon=now.elapsed - KEPT,
        wall_horizon=now.wall - KEPT,
    )
    return began


def _now(clock: Clock) -> Now:
    return Now(boot=clock.boot, wall=clock.wall(), elapsed=clock.elapsed())


def _noted(row: sqlite3.Row) -> Noted:
    return Noted(
        boot=row["boot"],
        began=row["began"],
        minute=row["minute"],
        completed=row["completed"],
        failed=row["failed"],
        tokens=row["tokens"],
        sight=None if row["moves"] is None else _sight(row),
        rested=row["rested"],
    )


def _sight(row: sqlite3.Row) -> Sight:
    return Sight(**{name: row[name] for name in ("boot", "began", "minute", "moves", "queued", "oldest_wait_seconds")})
