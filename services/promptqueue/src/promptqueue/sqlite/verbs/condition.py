"""The verbs about the queue as a whole: counts, room, workers, model, pause."""

from dataclasses import asdict, replace
from typing import cast

from promptqueue.condition import Counts, Facts, Model, ModelState, Room, Workers, summary
from promptqueue.prompt import Status
from promptqueue.sqlite.file import room
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.host import presence
from promptqueue.sqlite.verbs import line
from promptqueue.sqlite.verbs.base import Verbs
from promptqueue.stored import storable, stored_json, stored_object

RATE_SAMPLE = 1_000  # of the last minute's prompts; where there are more, the rate is worked out from their time

DESCRIBED = """
    SELECT worker, server, name, state, percent, processor, detail, retry_at, facts IS NOT NULL AS has_facts FROM models
"""
"""What each worker says of each server but for the facts, which are long."""


class ConditionVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def counts(self) -> Counts:
        totals = dict.fromkeys(Status, 0)
        for row in self._database.run("SELECT status, sum(prompts) AS prompts FROM counters GROUP BY status"):
            totals[Status(row["status"])] = row["prompts"]
        [control] = self._database.run("SELECT paused FROM control")
        since = line.waiting_since(self._database)
        return Counts(
            queued=totals[Status.QUEUED],
            processing=totals[Status.PROCESSING],
            completed=totals[Status.COMPLETED],
            oldest_wait_seconds=None if since is None else max(0.0, self._clock.wall() - since),
            completed_per_minute=self._completed_per_minute(),
            seconds_per_prompt=self._seconds_per_prompt(),
            paused=bool(control["paused"]),
        )

    def room(self) -> Room:
        return room.look(self._database)

    def workers(self) -> Workers:
        with self._database.storage_errors():
            return presence.alive(self._workers)

    def model(self) -> Model | None:
        described = self._database.run(DESCRIBED)
        living = [_model(row) for row in described if self._is_alive(row["worker"])]
        return summary(living, gone=[_model(row) for row in described])

    def facts(self) -> Facts | None:
        model, described = self.model(), self._database.run(DESCRIBED)
        told = [row for row in described if row["has_facts"] and model and row["name"] == model.name]
        for row in sorted(told, key=lambda row: (not self._is_alive(row["worker"]), row["state"] != ModelState.READY)):
            facts = stored_object(self._stored_facts(row["worker"], row["server"]))
            if facts and facts.keys() >= Facts.__required_keys__:
                return cast(Facts, facts)
        return None

    def describe_model(self, model: Model, *, worker: str, server: str, facts: Facts | None = None) -> None:
        model = replace(model, detail=model.detail and storable(model.detail))
        described = {(row["worker"], row["server"]): _model(row) for row in self._database.run(DESCRIBED)}
        news = None if facts is None else stored_json(facts)
        knows_facts = news is None or news == self._stored_facts(worker, server)
        if described.get((worker, server)) == model and knows_facts:
            return
        gone = {other for other, _ in described if other != worker and not self._is_alive(other)}
        with self._database.transaction(durable=False):
            self._database.run(
                """
                INSERT OR REPLACE INTO models (worker, server, name, state, percent, processor, detail, retry_at, facts)
                VALUES (:worker, :server, :name, :state, :percent, :processor, :detail, :retry_at, coalesce(:facts, (
                    SELECT facts FROM models WHERE name = :name AND facts IS NOT NULL
                    ORDER BY worker = :worker AND server = :server DESC LIMIT 1
                )))
                """,  # what others, perhaps gone since, knew of the same model is better than nothing
                facts=news,
                worker=worker,
                server=server,
                **asdict(model),
            )
            for other in gone:
                self._database.run("DELETE FROM models WHERE worker = :worker", worker=other)

    def pause(self, paused: bool) -> None:
        with self._database.transaction():
            self._database.run("UPDATE control SET paused = :paused", paused=int(paused))
            self._database.changed(None)

    def _stored_facts(self, worker: str, server: str) -> str | None:
        found = self._database.run(
            "SELECT facts FROM models WHERE worker = :worker AND server = :server", worker=worker, server=server
        )
        return found[0]["facts"] if found else None

    def _is_alive(self, worker: str) -> bool:
        with self._database.storage_errors():
            return presence.is_alive(self._workers, worker)

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


def _model(row: sqlite3.Row) -> Model:
    values = {name: row[name] for name in ("name", "percent", "processor", "detail", "retry_at")}
    return Model(state=ModelState(row["state"]), **values)
