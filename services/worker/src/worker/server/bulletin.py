"""The bulletin: what is known of a server's model, written into the queue for everybody to read."""

import logging

from promptqueue import PromptQueue
from promptqueue.condition import Facts, Model, ModelState
from promptqueue.errors import StorageUnavailable
from promptqueue.logs import Once

from worker.ollama.words import clipped
from worker.server.gate import Report

log = logging.getLogger(__name__)


class Bulletin:
    """Publishes how the model is on one server, as one worker sees it."""

    def __init__(self, model: str, *, worker: str, server: str) -> None:
        """Publish how `model` is on `server`, as `worker` sees it; nothing yet."""
        self._name = model
        self._worker = worker
        self._server = server
        self._published: Model | None = None
        self._trouble = Once(log)

    def publish(
        self, queue: PromptQueue, report: Report, *, processor: str | None, facts: Facts | None, slots: int
    ) -> None:
        """Publish it. While the storage is away nothing happens, and the next turn tries again."""
        state, detail = report.state, report.reason and clipped(report.reason)
        model = Model(
            name=self._name,
            state=state,
            percent=report.percent,
            processor=processor,
            detail=detail,
            retry_at=report.retry_at,
        )
        try:
            queue.describe_model(model, worker=self._worker, server=self._server, facts=facts, slots=slots)
        except StorageUnavailable as unavailable:
            self._trouble.warn("model state not written reason=%r", str(unavailable))
            return
        self._trouble.well()
        before, self._published = self._published, model
        if state is ModelState.READY and (before is None or before.state is not state):
            log.info("model ready model=%s ollama=%s", self._name, self._server)
        elif detail and (before is None or (before.state, before.detail) != (state, detail)):
            values = (self._name, self._server, state, detail)
            log.warning("model not ready model=%s ollama=%s state=%s reason=%r", *values)
