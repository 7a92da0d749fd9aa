"""What operators and the page ask of the whole: the queue, liveness, readiness, the specification."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response
from promptqueue.condition import DEFAULT_MODEL, Counts, Model, ModelState, Workers
from promptqueue.errors import StorageUnavailable

from proxy.api import wire
from proxy.api.envelope import envelope
from proxy.errors import STORAGE_RETRY_AFTER

if TYPE_CHECKING:
    from proxy.parts import Parts


READY_RETRY_AFTER = 2  # seconds; a model server that is away is asked each second


def blueprint(parts: Parts) -> Blueprint:
    """Serve /api/v1/queue, /healthz, /readyz and /openapi.json."""
    routes = Blueprint("management", __name__)

    @routes.get("/api/v1/queue")
    def queue() -> Response:
        parts.whole_queue.settle()
        found, room = parts.whole_queue.overview(), parts.whole_queue.room()
        counts, model = found.counts, found.model
        return wire.answer(
            {
                "queued": counts.queued,
                "processing": counts.processing,
                "oldest_wait_seconds": None
                if counts.oldest_wait_seconds is None
                else round(counts.oldest_wait_seconds, 1),
                "completed_per_minute": counts.completed_per_minute,
                "paused": counts.paused,
                "workers": found.workers.count,
                "model": {
                    "name": model.name,
                    "state": model.state,
                    "percent": model.percent,
                    "processor": model.processor,
                    "detail": model.detail and wire.line(model.detail),
                    "retry_at": None if model.retry_at is None else wire.moment(model.retry_at),
                },
                "stored_bytes": room.stored_bytes,
                "limits": {
                    "max_prompt_bytes": parts.config.max_prompt_bytes,
                    "max_queue_depth": parts.config.max_queue_depth,
                    "max_streams": parts.config.max_streams,
                    "max_stored_bytes": parts.config.max_stored_bytes,
                    "min_free_bytes": parts.config.min_free_bytes,
                },
            }
        )

    @routes.get("/healthz")
    def healthz() -> Response:
        try:
            database = parts.whole_queue.storage()
        except StorageUnavailable as error:
            return envelope(503, error.code, str(error), retry_after=STORAGE_RETRY_AFTER)
        return wire.answer({"status": "ok", "database": database})

    @routes.get("/readyz")
    def readyz() -> Response:
        checks = _checks(parts)
        lacking = [check["detail"] for check in checks.values() if not check["ok"]]
        if not lacking:
            return wire.answer({"ready": True, "checks": checks})
        error = envelope(503, "not_ready", "; ".join(lacking)).get_json()
        return wire.answer({"ready": False, "checks": checks, **error}, 503, {"Retry-After": str(READY_RETRY_AFTER)})

    @routes.get("/openapi.json")
    def specification() -> Response:
        from proxy.api.openapi import document  # noqa: PLC0415 (its models take memory that few processes ever need)

        try:
            model = parts.estimates.model()
        except StorageUnavailable:
            model = DEFAULT_MODEL
        return wire.answer(document(model, parts.config.base_path))

    return routes


def _checks(parts: Parts) -> dict[str, dict[str, Any]]:
    try:
        found, database = parts.whole_queue.overview(), parts.whole_queue.storage()
    except StorageUnavailable as error:
        unknown = {"ok": False, "detail": "not known while the database cannot be read"}
        return {"database": {"ok": False, "detail": str(error)}, "worker": unknown, "model": unknown}
    return {
        "database": {"ok": True, "detail": ", ".join(f"{name} {value}" for name, value in database.items())},
        "worker": _worker_check(found.counts, found.workers),
        "model": {"ok": found.model.state is ModelState.READY, "detail": _model_words(found.model)},
    }


def _worker_check(counts: Counts, workers: Workers) -> dict[str, Any]:
    if not workers.count:
        return {"ok": False, "detail": "no worker is alive; prompts are accepted and wait"}
    slots = f"{workers.slots} slot{'' if workers.slots == 1 else 's'}"
    paused = ", paused: prompts are accepted and wait" if counts.paused else ""
    return {"ok": True, "detail": f"{workers.count} alive with {slots}{paused}"}


def _model_words(model: Model) -> str:
    percent = "" if model.percent is None else f", {model.percent} %"
    runs = model.state is ModelState.READY and model.processor is not None
    processor = f" on {model.processor}" if runs else ""
    why = "" if model.detail is None else f": {wire.line(model.detail)}"
    return f"{model.name} is {model.state}{processor}{percent}{why}{_again(model)}"


def _again(model: Model) -> str:
    if model.retry_at is None:
        return ""
    seconds = math.ceil(model.retry_at - time.time())
    return f"; trying again in {seconds} s" if seconds > 0 else "; trying again now"
