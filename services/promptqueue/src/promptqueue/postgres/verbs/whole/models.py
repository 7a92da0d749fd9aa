"""The verbs about the model and its servers: model, servers, facts, describe_model."""

from collections import Counter, defaultdict
from dataclasses import asdict, replace
from typing import cast

from promptqueue.condition import Facts, Model, ModelState, Server, summary
from promptqueue.postgres.server.database import Row
from promptqueue.postgres.verbs.base import Verbs
from promptqueue.stored import storable, stored_json, stored_object, stored_text, text_of_stored

DESCRIBED = """
    SELECT worker, server, name, state, percent, processor, detail, retry_at, slots, facts IS NOT NULL AS has_facts,
           is_alive(worker) AS is_alive
    FROM models
"""
"""What each worker says of each server but for the facts, which are long."""

BUSY = """
    SELECT server, count(*) AS prompts FROM line
    WHERE status = 'processing' AND server IS NOT NULL GROUP BY server
"""

MEANS = """
    SELECT server, avg(ran_seconds) AS seconds FROM (
        SELECT server, ran_seconds, row_number() OVER (PARTITION BY server ORDER BY completed_at DESC) AS place FROM (
            SELECT server, ran_seconds, completed_at FROM ended
            WHERE ran_seconds IS NOT NULL
            ORDER BY completed_at DESC
            LIMIT %(newest)s
        ) AS newest
    ) AS answers
    WHERE place <= 20 AND server IS NOT NULL GROUP BY server
"""
"""What the last twenty answers of each server took in the mean, among the newest of all."""

NEWEST = 300  # answers

DESCRIBE = """
    INSERT INTO models (worker, server, name, state, percent, processor, detail, retry_at, slots, facts)
    VALUES (%(worker)s, %(server)s, %(name)s, %(state)s, %(percent)s, %(processor)s, %(detail)s, %(retry_at)s,
            %(slots)s, coalesce(%(facts)s, (
                SELECT facts FROM models WHERE name = %(name)s AND facts IS NOT NULL
                ORDER BY worker = %(worker)s AND server = %(server)s DESC, worker, server LIMIT 1
            )))
    ON CONFLICT (worker, server) DO UPDATE
    SET name = excluded.name, state = excluded.state, percent = excluded.percent, processor = excluded.processor,
        detail = excluded.detail, retry_at = excluded.retry_at, slots = excluded.slots, facts = excluded.facts
"""
"""What others, perhaps gone since, knew of the same model is better than nothing."""


class ModelVerbs(Verbs):
    """See `promptqueue.queue.PromptQueue` for what each verb promises."""

    def model(self) -> Model | None:
        described = self._database.run(DESCRIBED)
        living = [_model(row) for row in described if row["is_alive"]]
        return summary(living, gone=[_model(row) for row in described])

    def servers(self) -> list[Server]:
        models, slots = defaultdict[str, list[Model]](list), Counter[str]()
        for row in self._database.run(DESCRIBED):
            if row["is_alive"]:
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
        for row in sorted(told, key=lambda row: (not row["is_alive"], row["state"] != ModelState.READY)):
            facts = stored_object(self._stored_facts(row["worker"], row["server"]))
            if facts and facts.keys() >= Facts.__required_keys__:
                return cast(Facts, facts)
        return None

    def describe_model(
        self, model: Model, *, worker: str, server: str, facts: Facts | None = None, slots: int = 1
    ) -> None:
        model = replace(model, detail=model.detail and storable(model.detail))
        described = self._database.run(DESCRIBED)
        known = next((row for row in described if (row["worker"], row["server"]) == (worker, server)), None)
        news = None if facts is None else stored_json(facts)
        knows_facts = news is None or news == self._stored_facts(worker, server)
        if known and (_model(known), known["slots"]) == (model, slots) and knows_facts:
            return
        gone = sorted({row["worker"] for row in described if row["worker"] != worker and not row["is_alive"]})
        told = {**asdict(model), "detail": model.detail and stored_text(model.detail)}
        with self._database.transaction(durable=False):
            self._database.run(DESCRIBE, worker=worker, server=server, slots=slots, facts=news, **told)
            if gone:
                self._database.run("DELETE FROM models WHERE worker = ANY(%(gone)s)", gone=gone)

    def _stored_facts(self, worker: str, server: str) -> str | None:
        found = self._database.run(
            "SELECT facts FROM models WHERE worker = %(worker)s AND server = %(server)s", worker=worker, server=server
        )
        return found[0]["facts"] if found else None


def _model(row: Row) -> Model:
    values = {name: row[name] for name in ("name", "percent", "processor", "retry_at")}
    detail = row["detail"] and text_of_stored(row["detail"])
    return Model(state=ModelState(row["state"]), detail=detail, **values)
