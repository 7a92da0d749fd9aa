"""The verbs that count: counts, turns, room, workers; and pause and secret, of which there is one each."""

import secrets

from promptqueue.condition import Counts, Room, Workers
from promptqueue.owners.turn import Turn
from promptqueue.postgres.verbs import line
from promptqueue.postgres.verbs.base import Verbs
from promptqueue.postgres.verbs.lanes import LANES

RATE_SAMPLE = 1_000  # of the last minute's prompts; where there are more, the rate is worked out from their time
SECRET_BYTES = 32

COUNTS = """
    WITH clock AS MATERIALIZED (SELECT wall() AS wall),
    recent AS MATERIALIZED (
        SELECT completed_at FROM ended
        WHERE completed_at > (SELECT wall FROM clock) - 60 AND ran_seconds IS NOT NULL
        ORDER BY completed_at DESC LIMIT %(sample)s
    ),
    last AS MATERIALIZED (
        SELECT ran_seconds FROM ended WHERE ran_seconds IS NOT NULL ORDER BY completed_at DESC LIMIT 20
    )
    SELECT clock.wall, sums.interactive, sums.batch, sums.completed,
           (SELECT count(*) FROM line WHERE status = 'processing') AS processing,
           (SELECT paused FROM control) AS paused,
           (SELECT asked_at FROM line WHERE status = 'queued' AND seq > 0 ORDER BY seq LIMIT 1) AS waiting_since,
           (SELECT count(*) FROM recent) AS recent, (SELECT min(completed_at) FROM recent) AS recent_since,
           (SELECT avg(ran_seconds) FROM last) AS seconds_per_prompt
    FROM clock, (
        SELECT coalesce(sum(prompts) FILTER (WHERE lane = 0), 0)::bigint AS interactive,
               coalesce(sum(prompts) FILTER (WHERE lane = 1), 0)::bigint AS batch,
               coalesce(sum(completed), 0)::bigint AS completed
        FROM counted
    ) AS sums
"""


class ConditionVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def counts(self) -> Counts:
        [row] = self._database.run(COUNTS, sample=RATE_SAMPLE)
        since, rate = row["waiting_since"], row["recent"]
        if rate == RATE_SAMPLE:
            rate = int(RATE_SAMPLE * 60 / max(row["wall"] - row["recent_since"], 0.001))
        return Counts(
            queued=row["interactive"] + row["batch"],
            lanes={lane: row[lane.value] for lane in LANES},
            processing=row["processing"],
            completed=row["completed"],
            oldest_wait_seconds=None if since is None else max(0.0, row["wall"] - since),
            completed_per_minute=rate,
            seconds_per_prompt=row["seconds_per_prompt"],
            paused=row["paused"],
        )

    def turns(self) -> list[Turn]:
        return line.turns(self._database)

    def room(self) -> Room:
        [row] = self._database.run(
            """
            SELECT (SELECT coalesce(sum(bytes), 0)::bigint FROM counted) AS stored,
                   pg_database_size(current_database()) AS files
            """
        )
        return Room(
            stored_bytes=row["stored"],
            spare_bytes=0,
            file_bytes=row["files"],
            journal_bytes=0,
            disk_free_bytes=None,  # the server does not say
            disk_is_scarce=False,
            in_steps=True,
        )

    def workers(self) -> Workers:
        [row] = self._database.run(
            """
            SELECT count(*) AS workers, coalesce(sum(slots), 0)::bigint AS slots
            FROM presences WHERE kind = 'worker' AND is_alive(id)
            """
        )
        return Workers(count=row["workers"], slots=row["slots"])

    def pause(self, paused: bool) -> None:
        with self._database.transaction():
            self._database.run("UPDATE control SET paused = %(paused)s", paused=paused)
            self._database.changed(None)

    def secret(self) -> bytes:
        [control] = self._database.run("SELECT secret FROM control")
        return self._made_secret() if control["secret"] is None else bytes(control["secret"])

    def _made_secret(self) -> bytes:
        [control] = self._database.run(
            "UPDATE control SET secret = coalesce(secret, %(made)s) RETURNING secret",
            made=secrets.token_bytes(SECRET_BYTES),
        )
        return bytes(control["secret"])
