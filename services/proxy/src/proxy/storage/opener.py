"""How this process opens the queue and lets go of it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from promptqueue import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from promptqueue import PromptQueue

    from proxy.config import Config

log = logging.getLogger(__name__)


def opener(config: Config) -> Callable[[], PromptQueue]:
    """Give what opens one more instance of the queue; only the first makes one where there is none.

    Later a queue that is not there was moved or deleted, and an empty one in its place would hide it. It raises
    StorageUnavailable.
    """
    has_had_one = False

    def open_one() -> PromptQueue:
        nonlocal has_had_one
        queue = connect(config.database_url, journal_mode=config.journal_mode, create=not has_had_one)
        has_had_one = True
        return queue

    return open_one


def let_go(queue: PromptQueue) -> None:
    """Close an instance, though its storage may be gone."""
    try:
        queue.close()
    except Exception:  # one that cannot even be closed must not keep a new one from being opened
        log.warning("storage not closed", exc_info=True)
