"""The endpoints of the whole: the queue, liveness, readiness, the specification, the page."""

from typing import Any

from proxy.api.openapi.operations import FAILURES, MISTAKES, TEXT, answer, described, error, operation


def _page(name: str, no_page: dict[str, Any], **body: Any) -> dict[str, Any]:
    same = "The version that If-None-Match names is still the one."
    responses = {"200": described("The page.", "ETag", **body), "304": described(same, "ETag"), "404": no_page}
    return operation(name, "The page for people", responses | MISTAKES)


PATHS: dict[str, Any] = {
    "/api/v1/queue": {
        "get": operation("queue", "See the queue as a whole", {"200": answer("The queue.", "Queue"), **FAILURES})
    },
    "/healthz": {
        "get": operation("healthz", "Does it live", {"200": answer("The database answers.", "Health"), **FAILURES})
    },
    "/readyz": {
        "get": operation(
            "readyz",
            "Could it answer a prompt now, and if not, why",
            {
                "200": answer("It could.", "Readiness"),
                "503": answer("It could not.", "Unreadiness", "Retry-After"),
                **MISTAKES,
            },
        )
    },
    "/openapi.json": {
        "get": operation(
            "specification",
            "This document",
            {
                "200": described("OpenAPI 3.1.", content={"application/json": {"schema": {"type": "object"}}}),
                **MISTAKES,
            },
        )
    },
    "/": {
        "get": _page(
            "page", error("not_found: this installation has no page."), content={"text/html": {"schema": TEXT}}
        ),
        "head": _page("page_head", described("This installation has no page.")),
    },
}
