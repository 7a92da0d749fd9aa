"""Values of the queue in JSON and in words: the same over HTTP and on the command line.

The bodies' types are annotated with what JSON Schema says beside the type, so that a specification can be made of them.
"""

from __future__ import annotations  # the specification reads these types by name

import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypedDict

from promptqueue.condition import Model, ModelState, Server
from promptqueue.owners.owner import Usage
from promptqueue.prompt import ErrorCode, Outcome, Prompt, PromptError, Status

LONGEST_LINE = 300  # code points
WORKED_OUT = ("position", "eta_seconds")


class Schema:
    """A description and keywords of JSON Schema for an annotated type."""

    def __init__(self, description: str | None = None, **keywords: Any) -> None:
        self.keywords = keywords if description is None else {"description": description, **keywords}

    def __get_pydantic_json_schema__(self, core: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Add them to the type's own schema. The name is pydantic's, which need not be imported for that."""
        return {**handler(core), **self.keywords}


PromptId = Annotated[str, Schema(format="uuid")]
Count = Annotated[int, Schema(minimum=0)]
Seconds = Annotated[float, Schema(minimum=0)]
Place = Annotated[Annotated[int, Schema(minimum=1)] | None, Schema("Place in line, 1 = next; null unless queued.")]
Moment = Annotated[str, Schema(format="date-time", pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
Line = Annotated[str, Schema(maxLength=LONGEST_LINE, pattern=r"^[^\r\n]*$")]
JSONObject = Annotated[Mapping[str, Any], Schema(**{"$comment": "JSONObject"})]


class PromptErrorBody(TypedDict):
    """Why a prompt has no answer."""

    code: ErrorCode
    message: Line
    retryable: Annotated[bool, Schema("False only where the same prompt would be refused again.")]


class PromptStatus(TypedDict):
    """Where a prompt stands."""

    id: PromptId
    status: Status
    outcome: Annotated[Outcome | None, Schema("How it ended; null until it is completed.")]
    position: Place
    eta_seconds: Seconds | None
    attempt: Count
    tokens: Count | None
    created_at: Moment
    started_at: Moment | None
    completed_at: Moment | None
    error: PromptErrorBody | None
    last_error: Annotated[
        Line | None, Schema("Why its last attempt was put back; null if none was, and once it has succeeded.")
    ]
    metadata: JSONObject | None


class UsageDay(TypedDict):
    """What an owner had of the model on one day, by the prompts that ended then."""

    day: Annotated[str, Schema("By UTC.", format="date")]
    owner: str
    succeeded: Count
    failed: Count
    cancelled: Count
    expired: Count
    prompt_tokens: Annotated[Count, Schema("That the model read.")]
    tokens: Annotated[Count, Schema("That the model wrote.")]
    seconds: Annotated[Seconds, Schema("Of a slot.")]


class ModelBody(TypedDict):
    """The model that answers."""

    name: str
    state: ModelState
    percent: Annotated[int, Schema(minimum=0, maximum=100)] | None
    processor: str | None
    detail: Annotated[Line | None, Schema("Why it is not ready.")]
    retry_at: Annotated[Moment | None, Schema("When it is tried again, where that is known.")]


class ServerBody(TypedDict):
    """A model server of the living workers, and how the model is on it."""

    address: str
    state: ModelState
    percent: Annotated[int, Schema(minimum=0, maximum=100)] | None
    processor: str | None
    detail: Annotated[Line | None, Schema("Why it is not ready.")]
    retry_at: Annotated[Moment | None, Schema("When it is tried again, where that is known.")]
    slots: Annotated[Count, Schema("Prompts that it is given at a time.")]
    busy: Annotated[Count, Schema("Prompts that it answers now.")]
    seconds_per_prompt: Annotated[Seconds | None, Schema("Mean of its last twenty answers; null while none is known.")]


def prompt_status(prompt: Prompt, position: int | None, eta: float | None) -> PromptStatus:
    """Write where a prompt stands; `eta` is in seconds."""
    return {
        "id": prompt.id,
        "status": prompt.status,
        "outcome": prompt.outcome,
        "position": position,
        "eta_seconds": eta,
        "attempt": prompt.attempt,
        "tokens": prompt.tokens,
        "created_at": moment(prompt.created_at),
        "started_at": None if prompt.started_at is None else moment(prompt.started_at),
        "completed_at": None if prompt.completed_at is None else moment(prompt.completed_at),
        "error": None if prompt.error is None else _error_body(prompt.error),
        "last_error": prompt.last_error and line(prompt.last_error),
        "metadata": prompt.metadata,
    }


def _error_body(error: PromptError) -> PromptErrorBody:
    return {"code": error.code, "message": line(error.message), "retryable": error.code.retryable}


def usage_body(usage: Usage) -> UsageDay:
    """Write what an owner had on one day."""
    return {
        "day": usage.day,
        "owner": usage.owner,
        "succeeded": usage.succeeded,
        "failed": usage.failed,
        "cancelled": usage.cancelled,
        "expired": usage.expired,
        "prompt_tokens": usage.prompt_tokens,
        "tokens": usage.tokens,
        "seconds": round(usage.seconds, 3),
    }


def prompt_record(prompt: Prompt) -> dict[str, Any]:
    """Write a prompt for the command line: with its priority and failures, without what only the proxy works out."""
    body = {name: value for name, value in prompt_status(prompt, None, None).items() if name not in WORKED_OUT}
    return {**body, "priority": prompt.priority, "failures": prompt.failures}


def model_body(model: Model) -> ModelBody:
    """Write a model."""
    return {
        "name": model.name,
        "state": model.state,
        "percent": model.percent,
        "processor": model.processor,
        "detail": model.detail and line(model.detail),
        "retry_at": None if model.retry_at is None else moment(model.retry_at),
    }


def server_body(server: Server) -> ServerBody:
    """Write a model server."""
    model, seconds = model_body(server.model), server.seconds_per_prompt
    return {
        "address": server.address,
        "state": model["state"],
        "percent": model["percent"],
        "processor": model["processor"],
        "detail": model["detail"],
        "retry_at": model["retry_at"],
        "slots": server.slots,
        "busy": server.busy,
        "seconds_per_prompt": None if seconds is None else round(seconds, 1),
    }


def model_words(model: Model) -> str:
    """Say in one line how a model is, why, and when it is tried again."""
    runs = model.state is ModelState.READY and model.processor is not None
    processor = f" on {model.processor}" if runs else ""
    percent = "" if model.percent is None else f", {model.percent} %"
    why = "" if model.detail is None else f": {line(model.detail)}"
    return f"{model.name} is {model.state}{processor}{percent}{why}{_again(model)}"


def _again(model: Model) -> str:
    if model.retry_at is None:
        return ""
    seconds = math.ceil(model.retry_at - time.time())
    return f"; trying again in {seconds} s" if seconds > 0 else "; trying again now"


def text_of(record: Mapping[str, Any]) -> str:
    """Give the whole text of an answer, from the model server's final record of a prompt or of a chat."""
    text: str | None = record["message"].get("content") if "message" in record else record.get("response")
    return text or ""


def line(text: str) -> str:
    """Write somebody else's words as one line of limited length."""
    words = " ".join(text.split())
    return words if len(words) <= LONGEST_LINE else words[: LONGEST_LINE - 1] + "…"


def moment(seconds: float) -> str:
    """Write a time of the wall clock (seconds since the epoch): UTC, ISO 8601 with milliseconds and Z."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
