"""How this process reads and writes the queue."""

from __future__ import annotations

import logging

from promptqueue import PromptQueue

log = logging.getLogger(__name__)


def let_go(queue: PromptQueue) -> None:
    """Close an instance, though its storage may be gone."""
    try:
        queue.close()
    except Exception:  # one that cannot even be closed must not keep a new one from being opened
        log.warning("storage not closed", exc_info=True)
