"""The queue's values: a prompt before, during and after its time in line."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypedDict

from promptqueue.owners.owner import EVERYBODY

LARGEST_COUNT = 2**53  # from here on a number of a model server's is no count of tokens


class Status(StrEnum):
    """Where a prompt is: in line, with a slot, or done for good."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"


class Outcome(StrEnum):
    """How a completed prompt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Priority(StrEnum):
    """The lane a prompt waits in. While both wait, interactive ones have nine tenths of the slots' time."""

    INTERACTIVE = "interactive"
    BATCH = "batch"


class ErrorCode(StrEnum):
    """Why a prompt has no answer."""

    MODEL_REFUSED = "model_refused"
    PROMPT_TOO_LONG = "prompt_too_long"
    TIMED_OUT = "timed_out"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def retryable(self) -> bool:
        """False only where the same prompt would be refused again."""
        return self not in (ErrorCode.MODEL_REFUSED, ErrorCode.PROMPT_TOO_LONG)


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptError:
    """Why a prompt ended without an answer, in words for the client."""

    code: ErrorCode
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Idempotency:
    """What makes a repeated submission recognisable: the client's key and a digest of the body it came with."""

    key: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """By which protocol a prompt came, what its answer repeats of the request, and who holds its client's call."""

    face: str  # such as "ollama.chat" or "openai.responses"
    echo: Mapping[str, Any]  # JSON
    fingerprint: str | None = None  # digest by which the same request is known when it comes again, while it is held
    holder: str | None = None  # id of the presence of the process that holds the call; None where nobody waits
    is_kept: bool = True  # False: `recover` erases it once its holder is gone and nobody came for it; while it is held


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPrompt:
    """What somebody asks. `request` is JSON in the words of Ollama's API, without the model."""

    request: Mapping[str, Any]
    priority: Priority = Priority.INTERACTIVE
    expires_in: float | None = None  # seconds it may wait
    timeout: float | None = None  # seconds an attempt may run
    metadata: Mapping[str, Any] | None = None
    idempotency: Idempotency | None = None
    origin: Origin | None = None  # None: it came by no face
    owner: int = EVERYBODY  # the number of whose it is


@dataclass(frozen=True, kw_only=True, slots=True)
class Prompt:
    """Where a prompt stands, without its texts, which can be large. Times are seconds since the epoch, for display."""

    id: str
    status: Status
    outcome: Outcome | None
    priority: Priority
    attempt: int
    failures: int
    tokens: int | None
    created_at: float
    started_at: float | None
    completed_at: float | None
    expires_at: float | None  # unless it was started by then
    error: PromptError | None
    metadata: Mapping[str, Any] | None
    timeout: float | None
    overdue: bool  # its lease, its time to run or its time to wait is over: `settle` says what follows
    last_error: str | None = None  # why its last attempt was put back; None if none was, and once it has succeeded
    retried_at: float | None = None  # when it was put into the line again last
    owner: int = EVERYBODY  # the number of whose it is
    server: str | None = None  # the address of the model server that it was last claimed for, as people may read it


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """A prompt at one moment, with its place in line and how far its text has been written."""

    prompt: Prompt
    position: int | None
    text_attempt: int  # whose text is stored; 0 while there is none, and once an answer has taken its place
    text_length: int  # in code points


@dataclass(frozen=True, kw_only=True, slots=True)
class Enqueued:
    """An accepted prompt and its place in line; `replayed` when its Idempotency-Key had been accepted before."""

    prompt: Prompt
    position: int | None
    replayed: bool = False


class Wanted(TypedDict, total=False):
    """Which prompts are to be listed; what is left out, or None, is all the same."""

    owner: int | None  # its number
    status: Status | None
    outcome: Outcome | None
    since: float | None  # accepted, or retried last, then or later, in seconds since the epoch
    until: float | None  # before that
    metadata_key: str | None  # that their metadata has


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some prompts in order, and where the next page begins; None after the last."""

    prompts: list[Prompt]
    next: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """On what terms a worker claims: who it is, and how long it may hold what it claims."""

    worker: str
    lease_seconds: float = 15.0
    timeout_seconds: float = 3600.0  # a prompt's own timeout can only be shorter
    max_failures: int = 3
    most_running: int | None = None  # prompts of one owner who has a key, unless its own limit says otherwise
    server: str = ""  # the address of the model server that is to answer, as people may read it


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """What a prompt went through in attempts whose end nobody can explain: how many, how many seconds ago.

    `since` is the first of them, `last` the latest; None where there was none since the machine was started.
    """

    bad_ends: int = 0
    since: float | None = None
    last: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One worker's hold on one prompt; consumed by `finish` or `release`, worthless once a newer attempt exists."""

    prompt: Prompt
    request: Mapping[str, Any]
    terms: Terms
    trouble: Trouble = Trouble()
    number: int | None = None  # of the prompt in the storage, where that spares it a look

    @property
    def attempt(self) -> int:
        """Which claim of this prompt this is: the fence against stale ones."""
        return self.prompt.attempt


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """The model answered: Ollama's own final record, with the whole text in it."""

    record: Mapping[str, Any]
    tokens: int

    @property
    def prompt_tokens(self) -> int:
        """How many tokens of the prompt the model read; 0 where its record says no number."""
        tokens = self.record.get("prompt_eval_count")
        return tokens if type(tokens) is int and 0 < tokens < LARGEST_COUNT else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """The attempt ended badly. With a `code` the prompt ends for good; without, it counts and may run again."""

    cause: str  # in words for the client
    code: ErrorCode | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PutBack:
    """The attempt came to an end that nobody can explain: the prompt's fault, or the model server's.

    The prompt goes back to its place, at once after the first such end, later after each further one. Whether it counts
    as a failure depends on how the server fares with other prompts, which the worker knows.
    """

    cause: str  # in words for the client
    counts: bool
    delay: float | None = None  # seconds until it may be claimed again; None for the usual ones


Ending = Answered | Failed | PutBack
