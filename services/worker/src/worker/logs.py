"""The log: one event, one line, in fixed words, then key=value."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from promptqueue.logs import Format

if TYPE_CHECKING:
    from promptqueue.condition import Recovered


def to_stdout(level: str) -> None:
    """Send this process's log to standard output, in UTC."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(Format())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("urllib3").setLevel(logging.WARNING)  # at debug it would log every probe


def recovered(log: logging.Logger, moved: Recovered) -> None:
    """Say what was recovered, if anything was."""
    if moved.total:
        log.info("prompts recovered requeued=%d failed=%d expired=%d", moved.requeued, moved.failed, moved.expired)
