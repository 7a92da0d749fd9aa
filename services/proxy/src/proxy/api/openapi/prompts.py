"""The endpoints of prompts: what each is called with, and what it answers."""

from __future__ import annotations

from typing import Any

from proxy.api.openapi.answers import FAILURES, HOLDING_FAILURES, UNKNOWN, answer, content, error, events, headers
from proxy.asking import values
from proxy.asking.fields import MOST_FIELDS
from proxy.asking.json_schema import MOST_SUBSCHEMAS

PROMPT_ID = {
    "name": "prompt_id",
    "in": "path",
    "required": True,
    "description": "The id that the submission was answered with.",
    "schema": {"type": "string", "format": "uuid"},
}
WAIT = {
    "name": "wait",
    "in": "query",
    "description": "Seconds to hold the answer until there is something to say.",
    "schema": {"type": "number", "minimum": 0, "maximum": 60, "default": 0},
}
UNLESS = {
    "name": "unless",
    "in": "query",
    "description": "The status that the client knows: the answer is held while it is still this one.",
    "schema": {"$ref": "#/components/schemas/Status"},
}
SEVERAL_IDS = {
    "name": "id",
    "in": "query",
    "required": True,
    "description": "The prompts to follow, each as `id=…`.",
    "schema": {"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "string", "format": "uuid"}},
    "explode": True,
}
LAST_EVENT_ID = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The id of the last event that was read: what follows is told, with nothing missed and nothing "
    "twice. What is no such id is taken for none.",
    "schema": {"type": "string"},
}
LAST_EVENT_ID_IN_THE_ADDRESS = {
    "name": "lastEventId",
    "in": "query",
    "description": "The same, for clients that cannot send a header, which counts more.",
    "schema": {"type": "string"},
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "16 to 255 visible characters that name this submission for 24 hours: when it is sent again, the "
    "answer is the first one's prompt.",
    "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{16,255}$"},
}


PATHS: dict[str, Any] = {
    "/api/v1/prompt": {
        "post": {
            "operationId": "submit",
            "summary": "Hand in a prompt",
            "parameters": [IDEMPOTENCY_KEY],
            "requestBody": {
                "required": True,
                "description": f"At most `limits.max_prompt_bytes` bytes and {values.MOST:,} JSON values, "
                f"{MOST_FIELDS} fields in each object described here, {MOST_SUBSCHEMAS} subschemas in `format`.",
                "content": content("Submission"),
            },
            "responses": {
                "202": answer("Accepted: the prompt is safe on the disk.", "Accepted", "Location", "X-Prompt-Id"),
                "400": error("invalid_json, or invalid_request for what `param` names."),
                "409": error("idempotency_conflict: the key came with another body before."),
                "410": error("deleted: the key's prompt was deleted."),
                "413": error("too_large: the body is longer than `limits.max_prompt_bytes`."),
                "422": error("unsupported_model."),
                "429": error("queue_full.", "Retry-After"),
                **FAILURES,
                "503": error(
                    "storage_unavailable; storage_full: there is no room for more; busy: too many bodies are being "
                    "read.",
                    "Retry-After",
                ),
            },
        }
    },
    "/api/v1/prompt/{prompt_id}/status": {
        "get": {
            "operationId": "status",
            "summary": "See where a prompt stands",
            "parameters": [PROMPT_ID, WAIT, UNLESS],
            "responses": {
                "200": answer("Where it stands.", "PromptStatus", "X-Prompt-Id"),
                "400": error("invalid_request: `wait` or `unless`."),
                **UNKNOWN,
                **HOLDING_FAILURES,
            },
        }
    },
    "/api/v1/prompt/{prompt_id}/result": {
        "get": {
            "operationId": "result",
            "summary": "Read the answer",
            "parameters": [PROMPT_ID, WAIT],
            "responses": {
                "200": answer("The answer.", "Answer", "X-Prompt-Id"),
                "202": answer("Not yet: where it stands.", "PromptStatus", "X-Prompt-Id", "Retry-After"),
                "400": error("invalid_request: `wait`."),
                **UNKNOWN,
                "410": answer("There will be none: it failed, was cancelled or expired.", "NoAnswer", "X-Prompt-Id"),
                **HOLDING_FAILURES,
            },
        }
    },
    "/api/v1/prompt/{prompt_id}/events": {
        "get": {
            "operationId": "events",
            "summary": "Follow a prompt live, token by token",
            "parameters": [PROMPT_ID, LAST_EVENT_ID, LAST_EVENT_ID_IN_THE_ADDRESS],
            "responses": {
                "200": events(
                    "`status` (the status body, whenever status or position changes), `token` (a `Token`; a higher "
                    "`attempt` means that the text starts anew), `completed` (the status body), which is the last.",
                    "X-Prompt-Id",
                ),
                "204": {"description": "The client has read the end.", "headers": headers("X-Prompt-Id")},
                **UNKNOWN,
                **HOLDING_FAILURES,
            },
        }
    },
    "/api/v1/events": {
        "get": {
            "operationId": "events_of_several",
            "summary": "Follow up to a hundred prompts on one connection",
            "parameters": [SEVERAL_IDS, LAST_EVENT_ID, LAST_EVENT_ID_IN_THE_ADDRESS],
            "responses": {
                "200": events("The events of each; a `token` has the prompt's `id` too. It ends when all have."),
                "204": {"description": "The client has read the end of each."},
                "400": error("invalid_request: `id`."),
                "404": error("not_found: no prompt has one of these ids."),
                "414": error("invalid_request: more ids than an address can hold."),
                **HOLDING_FAILURES,
            },
        }
    },
    "/api/v1/prompt/{prompt_id}/cancel": {
        "post": {
            "operationId": "cancel",
            "summary": "Cancel a prompt, for good; a finished one stays as it is",
            "parameters": [PROMPT_ID],
            "responses": {
                "200": answer("Where it stands now.", "PromptStatus", "X-Prompt-Id"),
                **UNKNOWN,
                **FAILURES,
            },
        }
    },
    "/api/v1/prompt/{prompt_id}/retry": {
        "post": {
            "operationId": "retry",
            "summary": "Queue a prompt again that failed, was cancelled or expired; one that waits or runs stays",
            "parameters": [PROMPT_ID],
            "responses": {
                "200": answer("Where it stands now.", "PromptStatus", "X-Prompt-Id"),
                **UNKNOWN,
                "409": error("not_retryable: it has its answer, or would be refused again."),
                "429": error("queue_full.", "Retry-After"),
                **FAILURES,
            },
        }
    },
    "/api/v1/prompt/{prompt_id}": {
        "get": {
            "operationId": "whole",
            "summary": "See where a prompt stands, what was asked, and the answer",
            "parameters": [PROMPT_ID],
            "responses": {
                "200": answer("The prompt with its texts.", "WholePrompt", "X-Prompt-Id"),
                **UNKNOWN,
                **FAILURES,
            },
        },
        "delete": {
            "operationId": "delete",
            "summary": "Cancel a prompt if need be and erase its texts",
            "parameters": [PROMPT_ID],
            "responses": {
                "204": {"description": "It is gone.", "headers": headers("X-Prompt-Id")},
                **UNKNOWN,
                **FAILURES,
            },
        },
    },
}
