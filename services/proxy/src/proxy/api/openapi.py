"""The specification, OpenAPI 3.1: shapes from the models, paths written out."""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from proxy.api.shapes import schemas
from proxy.asking import values
from proxy.asking.fields import MOST_FIELDS
from proxy.asking.json_schema import MOST_SUBSCHEMAS

HEADERS: dict[str, Any] = {
    "Location": {"required": True, "description": "Where the prompt's status is.", "schema": {"type": "string"}},
    "X-Prompt-Id": {
        "required": True,
        "description": "The prompt's id.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "Retry-After": {
        "required": True,
        "description": "Seconds.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 600},
    },
    "Allow": {"required": True, "description": "The methods there are.", "schema": {"type": "string"}},
    "ETag": {"required": True, "description": "The page's version.", "schema": {"type": "string"}},
}

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


@lru_cache(maxsize=4)
def document(model: str, base_path: str = "") -> dict[str, Any]:
    """Give the whole specification for a proxy whose prompts `model` answers, and that is found below `base_path`."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ollama Proxy",
            "version": _version(),
            "description": "A durable queue between many clients and one Ollama. Every error has the shape of `Error`.",
        },
        "servers": [{"url": base_path or "/"}],
        "paths": _paths(),
        "components": {"schemas": schemas(model), "headers": HEADERS},
    }


def _paths() -> dict[str, Any]:
    return {
        "/api/v1/prompt": {
            "post": {
                "operationId": "submit",
                "summary": "Hand in a prompt",
                "parameters": [IDEMPOTENCY_KEY],
                "requestBody": {
                    "required": True,
                    "description": f"At most `limits.max_prompt_bytes` bytes and {values.MOST:,} JSON values, "
                    f"{MOST_FIELDS} fields in each object described here, {MOST_SUBSCHEMAS} subschemas in `format`.",
                    "content": _json("Submission"),
                },
                "responses": {
                    "202": _answer("Accepted: the prompt is safe on the disk.", "Accepted", "Location", "X-Prompt-Id"),
                    "400": _error("invalid_json, or invalid_request for what `param` names."),
                    "409": _error("idempotency_conflict: the key came with another body before."),
                    "410": _error("deleted: the key's prompt was deleted."),
                    "413": _error("too_large: the body is longer than `limits.max_prompt_bytes`."),
                    "422": _error("unsupported_model."),
                    "429": _error("queue_full.", "Retry-After"),
                    **_FAILURES,
                    "503": _error(
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
                    "200": _answer("Where it stands.", "PromptStatus", "X-Prompt-Id"),
                    "400": _error("invalid_request: `wait` or `unless`."),
                    **_UNKNOWN,
                    **_HOLDING_FAILURES,
                },
            }
        },
        "/api/v1/prompt/{prompt_id}/result": {
            "get": {
                "operationId": "result",
                "summary": "Read the answer",
                "parameters": [PROMPT_ID, WAIT],
                "responses": {
                    "200": _answer("The answer.", "Answer", "X-Prompt-Id"),
                    "202": _answer("Not yet: where it stands.", "PromptStatus", "X-Prompt-Id", "Retry-After"),
                    "400": _error("invalid_request: `wait`."),
                    **_UNKNOWN,
                    "410": _answer(
                        "There will be none: it failed, was cancelled or expired.", "NoAnswer", "X-Prompt-Id"
                    ),
                    **_HOLDING_FAILURES,
                },
            }
        },
        "/api/v1/prompt/{prompt_id}/events": {
            "get": {
                "operationId": "events",
                "summary": "Follow a prompt live, token by token",
                "parameters": [PROMPT_ID, LAST_EVENT_ID, LAST_EVENT_ID_IN_THE_ADDRESS],
                "responses": {
                    "200": _events(
                        "`status` (the status body, whenever status or position changes), `token` (a `Token`; a higher "
                        "`attempt` means that the text starts anew), `completed` (the status body), which is the last.",
                        "X-Prompt-Id",
                    ),
                    "204": {"description": "The client has read the end.", "headers": _headers("X-Prompt-Id")},
                    **_UNKNOWN,
                    **_HOLDING_FAILURES,
                },
            }
        },
        "/api/v1/events": {
            "get": {
                "operationId": "events_of_several",
                "summary": "Follow up to a hundred prompts on one connection",
                "parameters": [SEVERAL_IDS, LAST_EVENT_ID, LAST_EVENT_ID_IN_THE_ADDRESS],
                "responses": {
                    "200": _events("The events of each; a `token` has the prompt's `id` too. It ends when all have."),
                    "204": {"description": "The client has read the end of each."},
                    "400": _error("invalid_request: `id`."),
                    "404": _error("not_found: no prompt has one of these ids."),
                    "414": _error("invalid_request: more ids than an address can hold."),
                    **_HOLDING_FAILURES,
                },
            }
        },
        "/api/v1/prompt/{prompt_id}/cancel": {
            "post": {
                "operationId": "cancel",
                "summary": "Cancel a prompt, for good; a finished one stays as it is",
                "parameters": [PROMPT_ID],
                "responses": {
                    "200": _answer("Where it stands now.", "PromptStatus", "X-Prompt-Id"),
                    **_UNKNOWN,
                    **_FAILURES,
                },
            }
        },
        "/api/v1/prompt/{prompt_id}/retry": {
            "post": {
                "operationId": "retry",
                "summary": "Queue a prompt again that failed, was cancelled or expired; one that waits or runs stays",
                "parameters": [PROMPT_ID],
                "responses": {
                    "200": _answer("Where it stands now.", "PromptStatus", "X-Prompt-Id"),
                    **_UNKNOWN,
                    "409": _error("not_retryable: it has its answer, or would be refused again."),
                    "429": _error("queue_full.", "Retry-After"),
                    **_FAILURES,
                },
            }
        },
        "/api/v1/prompt/{prompt_id}": {
            "get": {
                "operationId": "whole",
                "summary": "See where a prompt stands, what was asked, and the answer",
                "parameters": [PROMPT_ID],
                "responses": {
                    "200": _answer("The prompt with its texts.", "WholePrompt", "X-Prompt-Id"),
                    **_UNKNOWN,
                    **_FAILURES,
                },
            },
            "delete": {
                "operationId": "delete",
                "summary": "Cancel a prompt if need be and erase its texts",
                "parameters": [PROMPT_ID],
                "responses": {
                    "204": {"description": "It is gone.", "headers": _headers("X-Prompt-Id")},
                    **_UNKNOWN,
                    **_FAILURES,
                },
            },
        },
        "/api/v1/queue": {
            "get": {
                "operationId": "queue",
                "summary": "See the queue as a whole",
                "responses": {"200": _answer("The queue.", "Queue"), **_FAILURES},
            }
        },
        "/healthz": {
            "get": {
                "operationId": "healthz",
                "summary": "Does it live",
                "responses": {"200": _answer("The database answers.", "Health"), **_FAILURES},
            }
        },
        "/readyz": {
            "get": {
                "operationId": "readyz",
                "summary": "Could it answer a prompt now, and if not, why",
                "responses": {
                    "200": _answer("It could.", "Readiness"),
                    "405": _FAILURES["405"],
                    "500": _FAILURES["500"],
                    "503": _answer("It could not.", "Unreadiness", "Retry-After"),
                },
            }
        },
        "/openapi.json": {
            "get": {
                "operationId": "specification",
                "summary": "This document",
                "responses": {
                    "200": {
                        "description": "OpenAPI 3.1.",
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    },
                    "405": _FAILURES["405"],
                    "500": _FAILURES["500"],
                },
            }
        },
        "/": {"get": _page("page", with_body=True), "head": _page("page_head", with_body=False)},
    }


def _page(name: str, *, with_body: bool) -> dict[str, Any]:
    content: dict[str, Any] = {"content": {"text/html": {"schema": {"type": "string"}}}} if with_body else {}
    return {
        "operationId": name,
        "summary": "The page for people",
        "responses": {
            "200": {"description": "The page.", "headers": _headers("ETag"), **content},
            "304": {
                "description": "The version that If-None-Match names is still the one.",
                "headers": _headers("ETag"),
            },
            "404": _error("not_found: this installation has no page.")
            if with_body
            else {"description": "This installation has no page."},
            "405": _FAILURES["405"],
            "500": _FAILURES["500"],
        },
    }


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _answer(description: str, name: str, *headers: str) -> dict[str, Any]:
    return {"description": description, "content": _json(name), **({"headers": _headers(*headers)} if headers else {})}


def _events(description: str, *headers: str) -> dict[str, Any]:
    content = {"text/event-stream": {"schema": {"type": "string"}}}
    return {"description": description, "content": content, **({"headers": _headers(*headers)} if headers else {})}


def _error(description: str, *headers: str) -> dict[str, Any]:
    return _answer(description, "Error", *headers)


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _version() -> str:
    try:
        return version("proxy")
    except PackageNotFoundError:  # run from the checkout
        return "0"


_UNKNOWN = {"404": _error("not_found: no prompt has this id.")}
_FAILURES = {
    "405": _error("method_not_allowed.", "Allow"),
    "500": _error("internal_error: a mistake of the proxy."),
    "503": _error("storage_unavailable: the database cannot be used right now.", "Retry-After"),
}
_HOLDING_FAILURES = _FAILURES | {
    "503": _error("storage_unavailable, or too_many_streams: as many requests are held as may be.", "Retry-After")
}
