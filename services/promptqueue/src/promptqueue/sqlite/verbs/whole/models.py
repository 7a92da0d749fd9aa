"""The verbs about the model and its servers: model, servers, facts, describe_model."""

from collections import Counter, defaultdict
from dataclasses import asdict, replace
from typing import cast

from promptqueue.condition import Facts, Model, ModelState, Server, summary
from promptqueue.sqlite.file.engine import sqlite3
from promptqueue.sqlite.host import presence
from promptqueue.sqlite.verbs.base import Verbs
from promptqueue.stored import storable, stored_json, stored_object

DESCRIBED = """
    SELECT worker, server, name, state, percent, processor, detail, retry_at, slots, facts IS NOT NULL AS has_facts
    FROM models
"""
"""What each worker says of each server but for the facts, which are long."""

BUSY = """
    SELECT server, count(*) AS prompts FROM prompts
    WHERE status = 'processing' AND server IS NOT NULL GROUP BY server
"""

MEANS = """
    SELECT server, avg(ran_seconds) AS seconds FROM (
        SELECT server, ran_seconds, row_number() OVER (PARTITION BY server ORDER BY completed_at DESC) AS place FROM (
            SELECT server, ran_seconds, completed_at FROM prompts
            WHERE status = 'completed' AND ran_seconds IS NOT NULL
            ORDER BY completed_at DESC
            LIMIT :newest
        )
    )
    WHERE place <= 20 AND server IS NOT NULL GROUP BY server
"""
"""What the last twenty answers of each server took in the mean, among the newest of all."""

NEWEST = 300  # answers


class ModelVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def model(self) -> Model | None:
        described = self._database.run(DESCRIBED)
        living = [_model(row) for row in described if self._is_alive(row["worker"])]
        return summary(living, gone=[_model(row) for row in described])

    def servers(self) -> list[Server]:
        models, slots = defaultdict[str, list[Model]](list), Counter[str]()
        for row in self._database.run(DESCRIBED):
            if self._is_alive(row["worker"]):
                models[row["server"]].append(_model(row))
                slots[row["server"]] += row["slots"]
        if not models:
            return []
        busy = {row["server"]: int(row["prompts"]) for row in self._database.run(BUSY)}
        means = {row["server"]: float(row["seconds"]) for row in self._database.run(MEANS, newest=NEWEST)}
        return [
            Server(
                address=address,
                model=model,
                slots=slots[address],
                busy=busy.get(address, 0),
                seconds_per_prompt=means.get(address),
            )
            for address, said in sorted(models.items())
            if (model := summary(said))
        ]

    def facts(self) -> Facts | None:
        model, described = self.model(), self._database.run(DESCRIBED)
        told = [row for row in described if row["has_facts"] and model and row["name"] == model.name]
        for row in sorted(told, key=lambda row: (not self._is_alive(row["worker"]), row["state"] != ModelState.READY)):
            facts = stored_object(self._stored_facts(row["worker"], row["server"]))
            if facts and facts.keys() >= Facts.__required_keys__:
                return cast(Facts, facts)
        return None

    def describe_model(
        self, model: Model, *, worker: str, server: str, facts: Facts | None = None, slots: int = 1
    ) -> None:
        model = replace(model, detail=model.detail and storable(model.detail))
        described = {
            (row["worker"], row["server"]): (_model(row), row["slots"]) for row in self._database.run(DESCRIBED)
        }
        news = None if facts is None else stored_json(facts)
        knows_facts = news is None or news == self._stored_facts(worker, server)
        if described.get((worker, server)) == (model, slots) and knows_facts:
            return
        gone = {other for other, _ in described if other != worker and not self._is_alive(other)}
        with self._database.transaction(durable=False):
            self._database.run(
                """
                INSERT OR REPLACE INTO models
                    (worker, server, name, state, percent, processor, detail, retry_at, slots, facts)
                VALUES (:worker, :server, :name, :state, :percent, :processor, :detail, :retry_at, :slots,
                    coalesce(:facts, (
                        SELECT facts FROM models WHERE name = :name AND facts IS NOT NULL
                        ORDER BY worker = :worker AND server = :server DESC LIMIT 1
                    )))
                """,  # what others, perhaps gone since, knew of the same model is better than nothing
                facts=news,
                worker=worker,
                server=server,
                slots=slots,
                **asdict(model),
            )
            for other in gone:
                self._database.run("DELETE FROM models WHERE worker = :worker", worker=other)

    def _stored_facts(self, worker: str, server: str) -> str | None:
        found = self._database.run(
            "SELECT facts FROM models WHERE worker = :worker AND server = :server", worker=worker, server=server
        )
        return found[0]["facts"] if found else None

    def _is_alive(self, worker: str) -> bool:
        with self._database.storage_errors():
            return presence.is_alive(self._workers, worker)


def _model(row: sqlite3.Row) -> Model:
    values = {name: row[name] for name in ("name", "percent", "processor", "detail", "retry_at")}
    return Model(state=ModelState(row["state"]), **values)
