"""The verbs about the last minutes: history, observe."""

from promptqueue.condition import Minute
from promptqueue.history import KEPT, Noted, Now, Sight, first_look, last_minutes, news
from promptqueue.postgres.server.database import Row
from promptqueue.postgres.verbs.base import Verbs

LOOK = """
    SELECT boot() AS boot, wall() AS wall, elapsed() AS elapsed, sums.moves, sums.queued,
           (SELECT asked_at FROM line WHERE status = 'queued' AND seq > 0 ORDER BY seq LIMIT 1) AS since
    FROM (
        SELECT coalesce(sum(moves), 0)::bigint AS moves, coalesce(sum(prompts), 0)::bigint AS queued FROM counted
    ) AS sums
"""

NOTED = """
    SELECT boot, began, minute, completed, failed, tokens, moves, queued, oldest_wait_seconds, rested FROM minutes
    UNION ALL
    SELECT boot, minute_began(elapsed, wall), min(minute_of(wall)), count(*) FILTER (WHERE outcome = 'succeeded'),
           count(*) FILTER (WHERE outcome = 'failed'), sum(tokens)::bigint, NULL, NULL, NULL, max(rested)
    FROM endings GROUP BY boot, minute_began(elapsed, wall)
"""

NOTE = """
    INSERT INTO minutes (boot, began, minute, moves, queued, oldest_wait_seconds)
    VALUES (%(boot)s, %(began)s, %(minute)s, %(moves)s, %(queued)s, %(oldest_wait_seconds)s)
    ON CONFLICT (boot, began) DO UPDATE
    SET moves = excluded.moves, queued = excluded.queued, oldest_wait_seconds = excluded.oldest_wait_seconds
    WHERE minutes.moves IS NULL
"""
"""Of two observers the first is right: it looked when the minute was younger."""

FORGET = """
    DELETE FROM minutes
    WHERE (boot = %(boot)s AND began < %(horizon)s AND began IS DISTINCT FROM (
              SELECT max(began) FROM minutes
              WHERE boot = %(boot)s AND began < %(horizon)s AND coalesce(moves, rested) IS NOT NULL))
       OR (boot <> %(boot)s AND minute < %(wall_horizon)s AND %(horizon)s > 0)
"""
"""What was last known of the line before that stays: it holds until the line moves.

How old a minute of another boot is, the wall clock alone says; it may be wrong, so none goes before this boot is old
enough itself.
"""


class MinuteVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def history(self, minutes: int) -> list[Minute]:
        now, line = self._look()
        return last_minutes(self._noted(), now=now, line=line, number=minutes)

    def observe(self, seen: Sight | None = None) -> Sight:
        now, sight = self._look()
        look = first_look(sight, seen)
        if look is not seen and (found := news(sight, seen=seen, noted=self._noted())):
            with self._database.transaction(durable=False):
                for each in found:
                    self._note_sight(each)
                self._database.run(FORGET, boot=now.boot, horizon=now.elapsed - KEPT, wall_horizon=now.wall - KEPT)
        return look

    def _noted(self) -> list[Noted]:
        return [_noted(row) for row in self._database.run(NOTED)]

    def _look(self) -> tuple[Now, Sight]:
        [row] = self._database.run(LOOK)
        now = Now(boot=row["boot"], wall=row["wall"], elapsed=row["elapsed"])
        return now, Sight(
            boot=now.boot,
            began=now.began,
            minute=now.minute,
            moves=row["moves"],
            queued=row["queued"],
            oldest_wait_seconds=None if row["since"] is None else max(0.0, now.wall - row["since"]),
        )

    def _note_sight(self, sight: Sight) -> None:
        self._database.run(
            NOTE,
            boot=sight.boot,
            began=sight.began,
            minute=sight.minute,
            moves=sight.moves,
            queued=sight.queued,
            oldest_wait_seconds=sight.oldest_wait_seconds,
        )


def _noted(row: Row) -> Noted:
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


def _sight(row: Row) -> Sight:
    return Sight(**{name: row[name] for name in ("boot", "began", "minute", "moves", "queued", "oldest_wait_seconds")})
