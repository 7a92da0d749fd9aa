"""The bodies of answers, each after those that it holds: endpoints build them, the specification describes them."""

from __future__ import annotations  # the specification reads these types by name

from collections.abc import Mapping
from typing import Annotated, Literal, NotRequired, TypedDict

from promptqueue.owners.key import Role
from promptqueue.prompt import Outcome, Priority, Status
from promptqueue.wire import (
    Count,
    JSONObject,
    ModelBody,
    Moment,
    PromptId,
    PromptStatus,
    Schema,
    Seconds,
    ServerBody,
    UsageDay,
)

from proxy import errors

CODES = sorted(
    {each.code for each in errors.Refused.__subclasses__()}
    | {each.code for each in errors.MEANINGS}
    | {"invalid_request", "method_not_allowed", "not_ready", "internal_error"}
)
Kind = Literal["invalid_request_error", "rate_limit_error", "server_error"]


UNTOLD = "Absent for whoever needs a key and has sent none that holds."


class Token(TypedDict):
    """The data of a `token` event: more of the answer's text."""

    id: NotRequired[Annotated[PromptId | None, Schema("The prompt's, on a stream of several; absent on that of one.")]]
    attempt: Annotated[int, Schema(minimum=1)]
    text: str


class NoAnswer(PromptStatus):
    """Where a prompt stands that will never have an answer, and the text that had come."""

    partial: str


class WholePrompt(PromptStatus):
    """Where a prompt stands, with all its texts."""

    request: Annotated[JSONObject | None, Schema("What was asked, in Ollama's words; null once it was erased.")]
    answer: Annotated[JSONObject | None, Schema("The model server's own final record; null until there is one.")]


class Answer(TypedDict):
    """The model server's own final record, with the whole text in `response` or `message`."""

    id: PromptId
    status: Literal[Status.COMPLETED]
    outcome: Literal[Outcome.SUCCEEDED]


class ErrorBody(TypedDict):
    """What was refused, and why."""

    code: Annotated[str, Schema(enum=CODES)]
    message: str
    type: Kind
    param: Annotated[str | None, Schema("The field, header or parameter that is meant.")]


class Error(TypedDict):
    """The envelope of every error."""

    error: ErrorBody


class Limits(TypedDict):
    """What this proxy accepts."""

    max_prompt_bytes: int
    max_queue_depth: int
    max_streams: int
    max_stored_bytes: int
    min_free_bytes: Annotated[int, Schema("Of the disk, which submissions leave alone.")]


class Lanes(TypedDict):
    """How many wait in each lane."""

    interactive: Count
    batch: Count


class QueueMinute(TypedDict):
    """What the queue did in a minute, and how its line stood when that was young."""

    minute: Annotated[Moment, Schema("When it began.")]
    queued: Annotated[Count | None, Schema("Null where nobody looked.")]
    oldest_wait_seconds: Annotated[Seconds | None, Schema("Null where nobody waited, or nobody looked.")]
    completed: Annotated[Count, Schema("Prompts that were answered.")]
    failed: Count
    tokens: Annotated[Count, Schema("Of all prompts that ended, however they did.")]


class OwnLimits(TypedDict):
    """What an owner may have; null where only the limits of all hold."""

    waiting: Count | None
    running: Count | None
    stored_bytes: Count | None
    streams: Annotated[Count | None, Schema("In each process of the proxy.")]
    requests_a_second: Annotated[
        Seconds | None, Schema("In each process of the proxy; five seconds' may come at once.")
    ]
    tokens_a_day: Count | None


class You(TypedDict):
    """What whoever asks has."""

    owner: str
    role: Role
    waiting: Count
    running: Count
    stored_bytes: Annotated[Count, Schema("What your prompts and answers take.")]
    streams: Annotated[Count, Schema("Held requests and streams, in the process that answers.")]
    tokens_today: Annotated[Count, Schema("That the model wrote for you since midnight, UTC.")]
    limits: OwnLimits


class OwnerStanding(TypedDict):
    """How an owner stands in the queue."""

    owner: str
    waiting: Count
    running: Count
    oldest_wait_seconds: Annotated[Seconds | None, Schema("Null where nothing of it waits.")]
    stored_bytes: Count


class Queue(TypedDict):
    """The queue as a whole."""

    queued: Count
    lanes: Lanes
    processing: Count
    oldest_wait_seconds: Seconds | None
    completed_per_minute: Count
    paused: bool
    workers: Count
    model: ModelBody
    servers: Annotated[list[ServerBody], Schema("In the order of their addresses; none while no worker lives.")]
    stored_bytes: Annotated[Count, Schema("What prompts, answers and their indexes take.")]
    limits: Limits
    you: Annotated[You | None, Schema("What you have and may have; null for whoever has no key for prompts.")]
    owners: Annotated[
        list[OwnerStanding] | None, Schema("All that have anything in the queue; null unless an admin's key asks.")
    ]
    history: NotRequired[
        Annotated[
            list[QueueMinute] | None,
            Schema("The last minutes, the present one last, which is not over; absent unless `?history=` asks for it."),
        ]
    ]


class Paused(TypedDict):
    """Whether the queue starts prompts."""

    paused: bool


class ListedPrompt(PromptStatus):
    """Where a prompt of a list stands."""

    priority: Priority
    owner: str


class PromptList(TypedDict):
    """Prompts, the last accepted first."""

    prompts: list[ListedPrompt]
    next: Annotated[str | None, Schema("What `before` is for the next page; null after the last.")]


class UsageDays(TypedDict):
    """What was had of the model, the last day first. Days on which nothing ended are left out."""

    days: list[UsageDay]


class TicketLinks(TypedDict):
    """What a ticket is for."""

    events: Annotated[str, Schema("The address of the prompt's events, with the ticket in it.")]


class TicketBody(TypedDict):
    """A right to follow one prompt without a key."""

    ticket: Annotated[str, Schema("The value of `ticket`, which `events` of this one prompt takes.")]
    expires_at: Annotated[Moment, Schema("It is over then, or a minute after the prompt's end if that is sooner.")]
    links: TicketLinks


class Health(TypedDict):
    """The database answers."""

    status: Literal["ok"]
    database: NotRequired[Annotated[Mapping[str, str] | None, Schema(UNTOLD)]]


class Check(TypedDict):
    """One thing that an answer needs."""

    ok: bool
    detail: str


class Checks(TypedDict):
    """All things that an answer needs."""

    database: Check
    worker: Check
    model: Check


class Readiness(TypedDict):
    """Whether a prompt would be answered now."""

    ready: Literal[True]
    checks: NotRequired[Annotated[Checks | None, Schema(UNTOLD)]]


class Unreadiness(TypedDict):
    """Why no prompt would be answered now: an error like any other, and each check beside it."""

    ready: Literal[False]
    checks: NotRequired[Annotated[Checks | None, Schema(UNTOLD)]]
    error: ErrorBody
