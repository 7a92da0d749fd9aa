"""The shapes of answers, for the specification; tests hold real answers to them."""

from typing import Annotated, Any, Literal
from uuid import UUID

from promptqueue.condition import ModelState
from promptqueue.prompt import ErrorCode, Outcome, Status
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from proxy.asking.fields import JSONObject

MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"

Count = Annotated[int, Field(ge=0)]
Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time", "pattern": MOMENT})]
Line = Annotated[str, Field(max_length=300, pattern=r"^[^\r\n]*$")]
Known = ConfigDict(extra="forbid", strict=False)


class Links(BaseModel):
    """Where to go on."""

    model_config = Known
    status: str
    result: str
    events: str
    cancel: str


class Accepted(BaseModel):
    """An accepted prompt; of a repeated submission the first one, as it stands now."""

    model_config = Known
    id: UUID
    status: Status
    position: Annotated[int, Field(ge=1)] | None = Field(description="Place in line, 1 = next; null unless queued.")
    links: Links


class PromptErrorBody(BaseModel):
    """Why a prompt has no answer."""

    model_config = Known
    code: ErrorCode
    message: Line
    retryable: bool = Field(description="False only where the same prompt would be refused again.")


class PromptStatus(BaseModel):
    """Where a prompt stands."""

    model_config = Known
    id: UUID
    status: Status
    outcome: Outcome | None = Field(description="How it ended; null until it is completed.")
    position: Annotated[int, Field(ge=1)] | None = Field(description="Place in line, 1 = next; null unless queued.")
    eta_seconds: Annotated[float, Field(ge=0)] | None
    attempt: Count
    tokens: Count | None
    created_at: Moment
    started_at: Moment | None
    completed_at: Moment | None
    error: PromptErrorBody | None
    last_error: Line | None = Field(
        description="Why its last attempt was put back; null if none was, and once it has succeeded."
    )
    metadata: JSONObject | None


class Token(BaseModel):
    """The data of a `token` event: more of the answer's text."""

    model_config = Known
    id: UUID | None = Field(default=None, description="The prompt's, on a stream of several; absent on that of one.")
    attempt: Annotated[int, Field(ge=1)]
    text: str


class NoAnswer(PromptStatus):
    """Where a prompt stands that will never have an answer, and the text that had come."""

    partial: str


class WholePrompt(PromptStatus):
    """Where a prompt stands, with all its texts."""

    request: JSONObject | None = Field(description="What was asked, in Ollama's words; null once it was erased.")
    answer: JSONObject | None = Field(description="The model server's own final record; null until there is one.")


class Answer(BaseModel):
    """The model server's own final record, with the whole text in `response` or `message`."""

    model_config = ConfigDict(extra="allow")
    id: UUID
    status: Literal[Status.COMPLETED]
    outcome: Literal[Outcome.SUCCEEDED]


class ErrorBody(BaseModel):
    """What was refused, and why."""

    model_config = Known
    code: Literal[
        "invalid_json",
        "invalid_request",
        "not_found",
        "method_not_allowed",
        "deleted",
        "idempotency_conflict",
        "not_retryable",
        "too_large",
        "unsupported_model",
        "queue_full",
        "storage_unavailable",
        "storage_full",
        "busy",
        "too_many_streams",
        "not_ready",
        "internal_error",
    ]
    message: str
    type: Literal["invalid_request_error", "rate_limit_error", "server_error"]
    param: str | None = Field(description="The field, header or parameter that is meant.")


class Error(BaseModel):
    """The envelope of every error."""

    model_config = Known
    error: ErrorBody


class ModelBody(BaseModel):
    """The model that answers."""

    model_config = Known
    name: str
    state: ModelState
    percent: Annotated[int, Field(ge=0, le=100)] | None
    processor: str | None
    detail: Line | None = Field(description="Why it is not ready.")
    retry_at: Moment | None = Field(description="When it is tried again, where that is known.")


class Limits(BaseModel):
    """What this proxy accepts."""

    model_config = Known
    max_prompt_bytes: int
    max_queue_depth: int
    max_streams: int
    max_stored_bytes: int
    min_free_bytes: int = Field(description="Of the disk, which submissions leave alone.")


class Queue(BaseModel):
    """The queue as a whole."""

    model_config = Known
    queued: Count
    processing: Count
    oldest_wait_seconds: Annotated[float, Field(ge=0)] | None
    completed_per_minute: Count
    paused: bool
    workers: Count
    model: ModelBody
    stored_bytes: Count = Field(description="What prompts, answers and their indexes take.")
    limits: Limits


class Health(BaseModel):
    """The database answers."""

    model_config = Known
    status: Literal["ok"]
    database: dict[str, str]


class Check(BaseModel):
    """One thing that an answer needs."""

    model_config = Known
    ok: bool
    detail: str


class Checks(BaseModel):
    """All things that an answer needs."""

    model_config = Known
    database: Check
    worker: Check
    model: Check


class Readiness(BaseModel):
    """Whether a prompt would be answered now."""

    model_config = Known
    ready: Literal[True]
    checks: Checks


class Unreadiness(BaseModel):
    """Why no prompt would be answered now: an error like any other, and each check beside it."""

    model_config = Known
    ready: Literal[False]
    checks: Checks
    error: ErrorBody


MODELS: tuple[type[Any], ...] = (
    Accepted,
    PromptStatus,
    Token,
    NoAnswer,
    WholePrompt,
    Answer,
    Error,
    Queue,
    Health,
    Readiness,
    Unreadiness,
)
