"""The log: one event, one line, in fixed words, then key=value."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from promptqueue import logs

if TYPE_CHECKING:
    from promptqueue.condition import Recovered


def to_stdout(level: str) -> None:
    """Send this process's log to standard output."""
    logs.to_stdout(level)
    logging.getLogger("urllib3").setLevel(logging.WARNING)  # at debug it would log every probe


def recovered(log: logging.Logger, moved: Recovered) -> None:
    """Say what was recovered, if anything was."""
    if moved.total:
        log.info("prompts recovered requeued=%d failed=%d expired=%d", moved.requeued, moved.failed, moved.expired)
