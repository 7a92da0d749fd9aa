"""The model that answers, as clients of other protocols ask for it: by its name, and for what its server says of it."""

import math
import re
import time
from datetime import datetime
from typing import NamedTuple

from promptqueue.condition import Facts, Model, ModelState

from proxy.parts import Parts

LONGEST_NAME = 1_000  # characters; a longer one is no model's, and answers would repeat all the blanks around it
FRESH_FOR = 1.0  # seconds that what was read is used again
USUAL_PLACE = re.compile(r"(https?://)?(registry\.ollama\.ai/)?(library/)?")
"""What may stand before a model's name and says nothing: it is Ollama's own registry."""


class _Known(NamedTuple):
    model: Model
    facts: Facts | None


class Served:
    """The one model that there is, as a worker last saw it; read once a second at most.

    Whatever reads it raises StorageUnavailable.
    """

    def __init__(self, parts: Parts) -> None:
        self._whole_queue = parts.whole_queue
        self._configured_context = parts.config.ollama_context_length
        self._known: _Known | None = None
        self._known_at = -math.inf

    @property
    def name(self) -> str:
        """Name it as the operator does, such as `llama3.2`."""
        return self.model().name

    def answers(self, name: str) -> bool:
        """Tell whether `name` means this model: in any case, with or without what is usual in a name."""
        return whole(name) == whole(self.name)

    def model(self) -> Model:
        """Say how it is; unreachable where no worker is alive to tell."""
        return self._now().model

    def state(self) -> ModelState:
        """Say how it is in one word."""
        return self.model().state

    def facts(self) -> Facts | None:
        """Give what its server said of it when a worker last found it ready; None before any did."""
        return self._now().facts

    @property
    def context_length(self) -> int:
        """How many tokens it sees: as its server said, or as it is configured."""
        facts = self.facts()
        return (facts and facts["context_length"]) or self._configured_context

    @property
    def created(self) -> int:
        """When it was installed, in seconds since the epoch; 0 while that is not known."""
        facts = self.facts()
        return seconds_of(facts["tag"].get("modified_at")) if facts else 0

    def _now(self) -> _Known:
        if self._known is None or time.monotonic() >= self._known_at + FRESH_FOR:
            known = _Known(self._whole_queue.overview().model, self._whole_queue.facts())
            self._known, self._known_at = known, time.monotonic()
        return self._known


def whole(name: str) -> str:
    """Write a model's name so that two names of one model are equal: a name without a tag means its latest."""
    if len(name) > LONGEST_NAME:
        return name
    name = USUAL_PLACE.sub("", name.strip().lower(), count=1)
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def seconds_of(moment: object) -> int:
    """Read a moment as Go writes it, RFC 3339 with up to nine digits of a second; 0 for anything else."""
    try:
        return int(datetime.fromisoformat(str(moment)).timestamp())
    except ValueError:
        return 0
