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
    """Give what opens one more instance of the queue. It raises StorageUnavailable."""
    return lambda: connect(config.database_url, journal_mode=config.journal_mode)


def let_go(queue: PromptQueue) -> None:
    """Close an instance, though its storage may be gone."""
    try:
        queue.close()
    except Exception:  # one that cannot even be closed must not keep a new one from being opened
        log.warning("storage not closed", exc_info=True)
