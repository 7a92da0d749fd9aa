"""The endpoints of the whole: the queue, liveness, readiness, the specification, the page."""

from __future__ import annotations

from typing import Any

from proxy.api.openapi.answers import FAILURES, answer, error, headers


def _page(name: str, *, with_body: bool) -> dict[str, Any]:
    content: dict[str, Any] = {"content": {"text/html": {"schema": {"type": "string"}}}} if with_body else {}
    return {
        "operationId": name,
        "summary": "The page for people",
        "responses": {
            "200": {"description": "The page.", "headers": headers("ETag"), **content},
            "304": {
                "description": "The version that If-None-Match names is still the one.",
                "headers": headers("ETag"),
            },
            "404": error("not_found: this installation has no page.")
            if with_body
            else {"description": "This installation has no page."},
            "405": FAILURES["405"],
            "500": FAILURES["500"],
        },
    }


PATHS: dict[str, Any] = {
    "/api/v1/queue": {
        "get": {
            "operationId": "queue",
            "summary": "See the queue as a whole",
            "responses": {"200": answer("The queue.", "Queue"), **FAILURES},
        }
    },
    "/healthz": {
        "get": {
            "operationId": "healthz",
            "summary": "Does it live",
            "responses": {"200": answer("The database answers.", "Health"), **FAILURES},
        }
    },
    "/readyz": {
        "get": {
            "operationId": "readyz",
            "summary": "Could it answer a prompt now, and if not, why",
            "responses": {
                "200": answer("It could.", "Readiness"),
                "405": FAILURES["405"],
                "500": FAILURES["500"],
                "503": answer("It could not.", "Unreadiness", "Retry-After"),
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
                "405": FAILURES["405"],
                "500": FAILURES["500"],
            },
        }
    },
    "/": {"get": _page("page", with_body=True), "head": _page("page_head", with_body=False)},
}
