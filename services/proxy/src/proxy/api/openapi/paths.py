"""The paths of the API: what each endpoint is called with, and what it answers."""

from typing import Any

from promptqueue.history import MOST_MINUTES

from proxy.api.openapi.operations import (
    TEXT,
    TOO_OFTEN,
    UUID,
    answer,
    content,
    described,
    error,
    events,
    guarded,
    operation,
    parameter,
)
from proxy.api.openapi.owners import FAILURES, OF_OWNERS
from proxy.asking import values
from proxy.asking.fields import MOST_FIELDS
from proxy.asking.json_schema import MOST_SUBSCHEMAS

NOT_FOUND = error("not_found: no prompt has this id.")
TOO_MANY = "storage_unavailable, or too_many_streams: as many requests are held as the limit allows."
HOLDING_FAILURES = {"503": error(TOO_MANY, "Retry-After")}

PROMPT_ID = parameter("path", "prompt_id", "The id that the submission was answered with.", UUID, required=True)
WAIT = parameter(
    "query",
    "wait",
    "Seconds to hold the answer until there is something to say.",
    {"type": "number", "minimum": 0, "maximum": 60, "default": 0},
)
UNLESS = parameter(
    "query",
    "unless",
    "The status that the client knows: the answer is held while it is still this one.",
    {"$ref": "#/components/schemas/Status"},
)
SEVERAL_IDS = parameter(
    "query",
    "id",
    "The prompts to follow, each as `id=…`.",
    {"type": "array", "minItems": 1, "maxItems": 100, "items": UUID},
    required=True,
    explode=True,
)
WHERE_THE_READER_IS = [
    parameter(
        "header",
        "Last-Event-ID",
        "The id of the last event that was read: what follows is sent, with nothing missed and nothing twice. "
        "Anything else is ignored.",
        TEXT,
    ),
    parameter("query", "lastEventId", "The same, for clients that cannot send a header, which counts more.", TEXT),
]
HISTORY = parameter(
    "query",
    "history",
    "How many of the last minutes the answer tells of; of none without it.",
    {"type": "integer", "minimum": 1, "maximum": MOST_MINUTES},
)
IDEMPOTENCY_KEY = parameter(
    "header",
    "Idempotency-Key",
    "16 to 255 visible characters that name this submission for 24 hours: when it is sent again, the answer is the "
    "first one's prompt.",
    {"type": "string", "pattern": r"^[\x21-\x7e]{16,255}$"},
)
BODY = {
    "required": True,
    "description": f"At most `limits.max_prompt_bytes` bytes and {values.MOST:,} JSON values, "
    f"{MOST_FIELDS} fields in each object described here, {MOST_SUBSCHEMAS} subschemas in `format`.",
    "content": content("Submission"),
}
NO_ROOM = "storage_unavailable; storage_full: there is no room for more; busy: too many bodies are being read."


def _stands(description: str, *names: str) -> dict[str, Any]:
    return answer(description, "PromptStatus", "X-Prompt-Id", *names)


def _of_a_prompt(name: str, summary: str, responses: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    """Describe what is done with the one prompt that the path names."""
    return guarded(name, summary, {"404": NOT_FOUND, **FAILURES, **responses}, parameters=[PROMPT_ID, *parameters])


def _page(name: str, no_page: dict[str, Any], **body: Any) -> dict[str, Any]:
    same = "The version that If-None-Match names is still the one."
    responses = {"200": described("The page.", "ETag", **body), "304": described(same, "ETag"), "404": no_page}
    return operation(name, "The page for people", responses)


SUBMIT = guarded(
    "submit",
    "Hand in a prompt",
    {
        "202": answer("Accepted: the prompt is safe on the disk.", "Accepted", "Location", "X-Prompt-Id"),
        "400": error("invalid_json, or invalid_request for what `param` names."),
        "409": error("idempotency_conflict: the key came with another body before."),
        "410": error("deleted: the key's prompt was deleted."),
        "413": error("too_large: the body is longer than `limits.max_prompt_bytes`."),
        "422": error("unsupported_model."),
        "429": error(f"queue_full, or {TOO_OFTEN}.", "Retry-After"),
        "503": error(NO_ROOM, "Retry-After"),
    },
    parameters=[IDEMPOTENCY_KEY],
    requestBody=BODY,
)
STATUS = _of_a_prompt(
    "status",
    "See where a prompt stands",
    {"200": _stands("Where it stands."), "400": error("invalid_request: `wait` or `unless`."), **HOLDING_FAILURES},
    WAIT,
    UNLESS,
)
RESULT = _of_a_prompt(
    "result",
    "Read the answer",
    {
        "200": answer("The answer.", "Answer", "X-Prompt-Id", "X-Served-By"),
        "202": _stands("Not yet: where it stands.", "Retry-After"),
        "400": error("invalid_request: `wait`."),
        "410": answer("There will be none: it failed, was cancelled or expired.", "NoAnswer", "X-Prompt-Id"),
        **HOLDING_FAILURES,
    },
    WAIT,
)
EVENTS = _of_a_prompt(
    "events",
    "Follow a prompt live, token by token",
    {
        "200": events(
            "`status` (the status body, whenever status or position changes), `token` (a `Token`; a higher "
            "`attempt` means that the text starts anew), `completed` (the status body), which is the last.",
            "X-Prompt-Id",
        ),
        "204": described("The client has read the end.", "X-Prompt-Id"),
        **HOLDING_FAILURES,
    },
    *WHERE_THE_READER_IS,
    parameter("query", "ticket", "What `ticket` has given for this prompt, in the place of a key.", TEXT),
)
TICKET = _of_a_prompt(
    "ticket",
    "Get a right to follow this prompt without a key, for an EventSource, which sends none",
    {"200": answer("The ticket, which nothing else takes.", "TicketBody", "X-Prompt-Id")},
)
EVENTS_OF_SEVERAL = guarded(
    "events_of_several",
    "Follow up to a hundred prompts on one connection",
    {
        "200": events("The events of each; a `token` has the prompt's `id` too. It ends when all have."),
        "204": described("The client has read the end of each."),
        "400": error("invalid_request: `id`."),
        "404": error("not_found: no prompt has one of these ids."),
        "414": error("invalid_request: more ids than an address can hold."),
        **HOLDING_FAILURES,
    },
    parameters=[SEVERAL_IDS, *WHERE_THE_READER_IS],
)
CANCEL = _of_a_prompt(
    "cancel", "Cancel a prompt, for good; a finished one stays as it is", {"200": _stands("Where it stands now.")}
)
RETRY = _of_a_prompt(
    "retry",
    "Queue a prompt again that failed, was cancelled or expired; one that waits or runs stays",
    {
        "200": _stands("Where it stands now."),
        "409": error("not_retryable: it has its answer, or would be refused again."),
        "429": error(f"queue_full, or {TOO_OFTEN}.", "Retry-After"),
    },
)
WHOLE = _of_a_prompt(
    "whole",
    "See where a prompt stands, what was asked, and the answer",
    {"200": answer("The prompt with its texts.", "WholePrompt", "X-Prompt-Id")},
)
DELETE = _of_a_prompt(
    "delete", "Cancel a prompt if need be and erase its texts", {"204": described("It is gone.", "X-Prompt-Id")}
)

PATHS: dict[str, Any] = {
    "/api/v1/prompt": {"post": SUBMIT},
    "/api/v1/prompt/{prompt_id}/status": {"get": STATUS},
    "/api/v1/prompt/{prompt_id}/result": {"get": RESULT},
    "/api/v1/prompt/{prompt_id}/events": {"get": EVENTS},
    "/api/v1/prompt/{prompt_id}/ticket": {"post": TICKET},
    "/api/v1/events": {"get": EVENTS_OF_SEVERAL},
    "/api/v1/prompt/{prompt_id}/cancel": {"post": CANCEL},
    "/api/v1/prompt/{prompt_id}/retry": {"post": RETRY},
    "/api/v1/prompt/{prompt_id}": {"get": WHOLE, "delete": DELETE},
    "/api/v1/queue": {
        "get": guarded(
            "queue",
            "See the queue as a whole",
            {"200": answer("The queue.", "Queue"), "400": error("invalid_request: `history`."), **FAILURES},
            parameters=[HISTORY],
        )
    },
    **OF_OWNERS,
    "/healthz": {
        "get": operation("healthz", "Does it live", {"200": answer("The database answers.", "Health"), **FAILURES})
    },
    "/readyz": {
        "get": operation(
            "readyz",
            "Could it answer a prompt now, and if not, why",
            {"200": answer("It could.", "Readiness"), "503": answer("It could not.", "Unreadiness", "Retry-After")},
        )
    },
    "/openapi.json": {
        "get": guarded(
            "specification",
            "This document",
            {
                "200": described("OpenAPI 3.1.", content={"application/json": {"schema": {"type": "object"}}}),
                **FAILURES,
            },
        )
    },
    "/metrics": {
        "get": guarded(
            "metrics",
            "What Prometheus reads, for a key of the role metrics or admin",
            {
                "200": described(
                    "As text, or as OpenMetrics where Accept asks for it.",
                    content={"text/plain": {"schema": TEXT}, "application/openmetrics-text": {"schema": TEXT}},
                ),
                "404": error("not_found: metrics are off."),
                **FAILURES,
            },
            always=True,
        )
    },
    "/": {
        "get": _page(
            "page", error("not_found: this installation has no page."), content={"text/html": {"schema": TEXT}}
        ),
        "head": _page("page_head", described("This installation has no page.")),
    },
}
