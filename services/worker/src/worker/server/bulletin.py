"""The bulletin: what is known of the model, written into the queue for everybody to read."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from promptqueue.condition import Model, ModelState
from promptqueue.errors import StorageUnavailable

from worker.ollama.words import clipped

if TYPE_CHECKING:
    from promptqueue import PromptQueue

log = logging.getLogger(__name__)


class Bulletin:
    """Says how the model is on one server, for one worker."""

    def __init__(self, queue: PromptQueue, name: str, *, worker: str, server: str) -> None:
        """Say it of the model `name`; nothing is said yet. `worker` and `server` are those of `describe_model`."""
        self._queue = queue
        self._name = name
        self._worker = worker
        self._server = server
        self._said: Model | None = None
        self._storage_failed = False  # already said
        self.processor: str | None = None
        """What the model runs on: cpu, gpu or mixed; None while nobody knows."""

    def say(
        self,
        state: ModelState,
        *,
        percent: int | None = None,
        detail: str | None = None,
        retry_at: float | None = None,
    ) -> None:
        """Say it. While the storage is away it is not said, and again at the next turn."""
        detail = detail and clipped(detail)
        model = Model(
            name=self._name,
            state=state,
            percent=percent,
            processor=self.processor,
            detail=detail,
            retry_at=retry_at,
        )
        try:
            self._queue.describe_model(model, worker=self._worker, server=self._server)
        except StorageUnavailable as unavailable:
            if not self._storage_failed:
                log.warning("model state not written reason=%r", str(unavailable))
            self._storage_failed = True
            return
        self._storage_failed = False
        before, self._said = self._said, model
        if state is ModelState.READY and (before is None or before.state is not state):
            log.info("model ready model=%s", self._name)
        elif detail and (before is None or (before.state, before.detail) != (state, detail)):
            log.warning("model not ready model=%s state=%s reason=%r", self._name, state, detail)
