"""The condition of the whole queue, as values: its model, its counts, its workers, its room."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Any, TypedDict

DEFAULT_MODEL = "llama3.2"  # by which prompts are answered, unless `OLLAMA_MODEL` says otherwise to the worker


class ModelState(StrEnum):
    """What is known of the model that answers."""

    MISSING = "missing"
    DOWNLOADING = "downloading"
    READY = "ready"
    UNREACHABLE = "unreachable"
    TROUBLED = "troubled"  # its server answers, and cannot serve


UNKNOWN = "no worker has said yet how it is"

PRECEDENCE = (ModelState.READY, ModelState.DOWNLOADING, ModelState.UNREACHABLE, ModelState.TROUBLED, ModelState.MISSING)
"""Which state counts where servers differ: a ready one is enough; where none is ready soon, the worst."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """The model as a worker last saw it on one server, or the `summary` of several."""

    name: str
    state: ModelState
    percent: int | None = None  # of the download, while there is one
    processor: str | None = None  # cpu, gpu or mixed, once it was loaded
    detail: str | None = None  # why it is not ready, in words for a person
    retry_at: float | None = None  # when it is tried again, in seconds since the epoch, where that is known


class Facts(TypedDict):
    """What a model server said of itself and of the model, in its own words (Ollama's API)."""

    version: str
    tag: Mapping[str, Any]  # the model's entry in the answer of /api/tags
    show: Mapping[str, Any]  # the answer of /api/show
    context_length: int | None  # of the loaded model, by /api/ps; None while none was seen loaded


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """The queue as a whole, read from counters: the cost does not grow with what is stored."""

    queued: int
    lanes: Mapping[str, int]  # how many wait in each, by its name (`prompt.Priority`)
    processing: int
    completed: int
    oldest_wait_seconds: float | None  # since it was asked, or retried last
    completed_per_minute: int  # answers of the last minute
    seconds_per_prompt: float | None  # mean of the last twenty answers; None while nothing was answered
    paused: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Minute:
    """What the queue did in a minute, and how its line stood when the minute was young; None where nobody knows."""

    start: int  # seconds since the epoch
    queued: int | None
    oldest_wait_seconds: float | None  # None where nobody waited, too
    completed: int = 0  # prompts that were answered
    failed: int = 0
    tokens: int = 0  # of all prompts that ended in it, however they did


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A model server of the living workers, and how the model is on it."""

    address: str  # as people may read it
    model: Model  # the `summary` of what the workers say that share it
    slots: int  # of all of them, for this server
    busy: int = 0  # prompts that it is answering
    seconds_per_prompt: float | None = None  # mean of its last twenty answers; None where none of the newest are its


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """The room that the queue takes on its disk, and the room that is left; bytes."""

    stored_bytes: int  # what prompts and answers take: with their indexes in SQLite, without in PostgreSQL
    spare_bytes: int  # what erased ones left in the file: used again for new ones, or given back by `compact`
    file_bytes: int
    journal_bytes: int  # what is written twice until it is tidied away
    disk_free_bytes: int | None  # None where nobody can tell
    disk_is_scarce: bool  # so little is free that erasing may fail
    in_steps: bool  # False for a file made by an older version: only as a whole can it be made smaller


class Bounds(TypedDict, total=False):
    """What accepting prompts must keep within; what is left out, or None, is no bound."""

    max_queued: int | None  # that wait
    max_stored_bytes: int | None
    min_free_bytes: int | None  # on the disk, after all that was accepted is written; no bound in PostgreSQL
    # Of each owner of them:
    max_waiting: int | None
    max_own_bytes: int | None  # of its prompts and answers
    max_tokens_a_day: int | None  # that the model wrote since midnight, UTC; prompts in hand may bring more


@dataclass(frozen=True, kw_only=True, slots=True)
class Workers:
    """The workers that are alive, and the slots they have together."""

    count: int
    slots: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovered:
    """What `recover` did: how many prompts went where, and how many of those that are over were erased."""

    requeued: int = 0
    failed: int = 0
    expired: int = 0
    cancelled: int = 0
    erased: int = 0

    @property
    def total(self) -> int:
        """All that was done; a prompt that was cancelled and erased counts twice."""
        return self.requeued + self.failed + self.expired + self.cancelled + self.erased


BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, inf)
"""Up to how many seconds each bucket of a histogram reaches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Histogram:
    """How often something took how long."""

    buckets: Mapping[float, int]  # how often it took at most so many seconds, by each of BOUNDS, the least first
    seconds: float  # in all

    @property
    def count(self) -> int:
        """How often it was measured."""
        return self.buckets[inf]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measures:
    """What became of all prompts since this is counted, also of those that were erased: numbers that never fall."""

    ended: Mapping[str, int]  # prompts, by how (`prompt.Outcome`)
    prompt_tokens: int  # that the model read
    tokens: int  # that it wrote
    waiting: Histogram  # of those that were started, from being asked, or retried last, to their last start
    running: Histogram  # of those, from their last start to their end


def summary(models: Collection[Model], *, gone: Collection[Model] = ()) -> Model | None:
    """Sum up what living workers say of their servers; None where nothing was ever said.

    Ready wins, then the download that is furthest, then the worst that says why. Of what workers that are `gone` said
    only the name is believed, where no other says anything.
    """
    if gone and not models:
        return Model(name=next(iter(gone)).name, state=ModelState.UNREACHABLE, detail=UNKNOWN)
    return min(models, key=_rank, default=None)


def _rank(model: Model) -> tuple[object, ...]:
    is_down = model.state not in (ModelState.READY, ModelState.DOWNLOADING)
    return (
        is_down and model.detail is None,
        PRECEDENCE.index(model.state),
        -(model.percent or 0),
        model.processor is None,
    )
