"""What operators and the page ask of the whole: the queue, liveness, readiness, the specification."""

from flask import Blueprint, Response
from promptqueue.condition import DEFAULT_MODEL, Counts, Minute, ModelState, Workers
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import Priority
from promptqueue.wire import model_body, model_words, moment, server_body

from proxy.access import identity
from proxy.access.asker import current
from proxy.api import parameters
from proxy.api.bodies import (
    Check,
    Checks,
    Health,
    Limits,
    Queue,
    QueueMinute,
    Readiness,
    Unreadiness,
)
from proxy.api.envelope import answer, envelope, error_body
from proxy.api.owners import standing_bodies, you_body
from proxy.errors import STORAGE_RETRY_AFTER
from proxy.parts import Parts

UNTOLD = "Why is told to those who send an API key, as Authorization: Bearer …, and stands in the log."
READY_RETRY_AFTER = 2  # seconds; a model server that is away is asked each second


def blueprint(parts: Parts) -> Blueprint:
    """Serve /api/v1/queue, /healthz, /readyz and /openapi.json."""
    routes = Blueprint("management", __name__)

    @routes.get("/api/v1/queue")
    def queue() -> Response:
        asker, minutes = current(), parameters.minutes()
        parts.whole_queue.settle()
        found, room = parts.whole_queue.overview(), parts.whole_queue.room()
        lanes, waiting = found.counts.lanes, found.counts.oldest_wait_seconds
        limits: Limits = {
            "max_prompt_bytes": parts.config.max_prompt_bytes,
            "max_queue_depth": parts.config.max_queue_depth,
            "max_streams": parts.config.max_streams,
            "max_stored_bytes": parts.config.max_stored_bytes,
            "min_free_bytes": parts.config.min_free_bytes,
        }
        body: Queue = {
            "queued": found.counts.queued,
            "lanes": {"interactive": lanes[Priority.INTERACTIVE], "batch": lanes[Priority.BATCH]},
            "processing": found.counts.processing,
            "oldest_wait_seconds": _tenths(waiting),
            "completed_per_minute": found.counts.completed_per_minute,
            "paused": found.counts.paused,
            "workers": found.workers.count,
            "model": model_body(found.model),
            "servers": [server_body(each) for each in found.servers],
            "stored_bytes": room.stored_bytes,
            "limits": limits,
            "you": you_body(parts, asker, found.workers.slots),
            "owners": standing_bodies(parts.accounts.standing()) if asker.oversees else None,
        }
        if minutes is not None:
            body["history"] = [_minute_body(each) for each in parts.whole_queue.history(minutes)]
        return answer(body)

    @routes.get("/healthz")
    def healthz() -> Response:
        is_known = identity.is_known(parts.gate.keyring)
        try:
            storage = parts.whole_queue.storage()
        except StorageUnavailable as error:
            why = str(error) if is_known else UNTOLD
            return envelope(503, error.code, why, retry_after=STORAGE_RETRY_AFTER)
        health: Health = {"status": "ok", "database": storage} if is_known else {"status": "ok"}
        return answer(health)

    @routes.get("/readyz")
    def readyz() -> Response:
        checks, is_known = _checks(parts), identity.is_known(parts.gate.keyring)
        each = (checks["database"], checks["worker"], checks["model"])
        lacking = [check["detail"] for check in each if not check["ok"]]
        if not lacking:
            readiness: Readiness = {"ready": True, "checks": checks} if is_known else {"ready": True}
            return answer(readiness)
        error = error_body(503, "not_ready", "; ".join(lacking) if is_known else UNTOLD)
        why: Unreadiness = {"ready": False, "checks": checks, "error": error}
        if not is_known:
            del why["checks"]
        return answer(why, 503, {"Retry-After": str(READY_RETRY_AFTER)})

    @routes.get("/openapi.json")
    def specification() -> Response:
        from proxy.api.openapi.document import document  # noqa: PLC0415 (it takes memory that few processes ever need)

        try:
            model = parts.estimates.model()
        except StorageUnavailable:
            model = DEFAULT_MODEL
        return answer(document(model, parts.config.base_path))

    return routes


def _tenths(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _minute_body(minute: Minute) -> QueueMinute:
    return {
        "minute": moment(minute.start),
        "queued": minute.queued,
        "oldest_wait_seconds": _tenths(minute.oldest_wait_seconds),
        "completed": minute.completed,
        "failed": minute.failed,
        "tokens": minute.tokens,
    }


def _checks(parts: Parts) -> Checks:
    try:
        found, storage = parts.whole_queue.overview(), parts.whole_queue.storage()
    except StorageUnavailable as error:
        unknown: Check = {"ok": False, "detail": "not known while the database cannot be read"}
        return {"database": {"ok": False, "detail": str(error)}, "worker": unknown, "model": unknown}
    return {
        "database": {"ok": True, "detail": ", ".join(f"{name} {value}" for name, value in storage.items())},
        "worker": _worker_check(found.counts, found.workers),
        "model": {"ok": found.model.state is ModelState.READY, "detail": model_words(found.model)},
    }


def _worker_check(counts: Counts, workers: Workers) -> Check:
    if not workers.count:
        return {"ok": False, "detail": "no worker is alive; prompts are accepted and wait"}
    slots = f"{workers.slots} slot{'' if workers.slots == 1 else 's'}"
    paused = ", paused: prompts are accepted and wait" if counts.paused else ""
    return {"ok": True, "detail": f"{workers.count} alive with {slots}{paused}"}
