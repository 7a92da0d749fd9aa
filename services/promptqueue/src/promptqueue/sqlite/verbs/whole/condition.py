"""The verbs that count: counts, room, workers; and pause and secret, of which there is one each."""

import secrets

from promptqueue.condition import Counts, Room, Workers
from promptqueue.owners.turn import Turn
from promptqueue.prompt import Status
from promptqueue.sqlite.file import room
from promptqueue.sqlite.host import presence
from promptqueue.sqlite.verbs import line
from promptqueue.sqlite.verbs.base import Verbs

RATE_SAMPLE = 1_000  # of the last minute's prompts; where there are more, the rate is worked out from their time


SECRET_BYTES = 32


class ConditionVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def counts(self) -> Counts:
        totals, lanes = dict.fromkeys(Status, 0), {}
        for row in self._database.run("SELECT status, priority, prompts FROM counters"):
            totals[Status(row["status"])] += row["prompts"]
            if row["status"] == Status.QUEUED:
                lanes[row["priority"]] = row["prompts"]
        [control] = self._database.run("SELECT paused FROM control")
        since = line.waiting_since(self._database)
        return Counts(
            queued=totals[Status.QUEUED],
            lanes=lanes,
            processing=totals[Status.PROCESSING],
            completed=totals[Status.COMPLETED],
            oldest_wait_seconds=None if since is None else max(0.0, self._clock.wall() - since),
            completed_per_minute=self._completed_per_minute(),
            seconds_per_prompt=self._seconds_per_prompt(),
            paused=bool(control["paused"]),
        )

    def turns(self) -> list[Turn]:
        return line.turns(self._database, self._clock)

    def room(self) -> Room:
        return room.look(self._database)

    def workers(self) -> Workers:
        with self._database.storage_errors():
            return presence.alive(self._workers)

    def pause(self, paused: bool) -> None:
        with self._database.transaction():
            self._database.run("UPDATE control SET paused = :paused", paused=int(paused))
            self._database.changed(None)

    def secret(self) -> bytes:
        return self._secret() or self._made_secret()

    def _secret(self) -> bytes | None:
        [control] = self._database.run("SELECT secret FROM control")
        return None if control["secret"] is None else bytes(control["secret"])

    def _made_secret(self) -> bytes:
        with self._database.transaction():
            made = secrets.token_bytes(SECRET_BYTES)
            [control] = self._database.run(
                "UPDATE control SET secret = coalesce(secret, :made) RETURNING secret", made=made
            )
        return bytes(control["secret"])

    def _completed_per_minute(self) -> int:
        now = self._clock.wall()
        [recent] = self._database.run(
            """
            SELECT count(*) AS prompts, min(completed_at) AS since FROM (
                SELECT completed_at FROM prompts
                WHERE status = 'completed' AND completed_at > :minute_ago AND ran_seconds IS NOT NULL
                ORDER BY completed_at DESC
                LIMIT :sample
            )
            """,
            minute_ago=now - 60,
            sample=RATE_SAMPLE,
        )
        if recent["prompts"] < RATE_SAMPLE:
            return int(recent["prompts"])
        return int(RATE_SAMPLE * 60 / max(now - recent["since"], 0.001))

    def _seconds_per_prompt(self) -> float | None:
        [recent] = self._database.run(
            """
            SELECT avg(ran_seconds) AS mean FROM (
                SELECT ran_seconds FROM prompts
                WHERE status = 'completed' AND ran_seconds IS NOT NULL
                ORDER BY completed_at DESC
                LIMIT 20
            )
            """
        )
        return None if recent["mean"] is None else float(recent["mean"])
