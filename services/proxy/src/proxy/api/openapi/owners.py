"""The paths for which a key is always needed: what is told of owners, and what an admin does with the whole."""

from typing import Any

from proxy.api.openapi.operations import TEXT, answer, error, guarded, parameter
from proxy.api.own import MOST_DAYS, MOST_LISTED, USUAL_DAYS, USUALLY_LISTED
from proxy.api.parameters import CURSOR

FAILURES = {"503": error("storage_unavailable: the database cannot be used right now.", "Retry-After")}

MOMENT = {"type": "string", "format": "date-time"}
NO_OWNER = error("not_found: no owner has this name, or it is not for this key to see.")
OWNER = parameter("query", "owner", "Of whom is told: for an admin's key, which else is told of all.", TEXT)

LISTED = guarded(
    "prompts",
    "List your prompts, the last accepted first",
    {
        "200": answer("Prompts; to an admin everybody's, without `metadata`.", "PromptList"),
        "400": error("invalid_request: what `param` names."),
        "404": NO_OWNER,
        **FAILURES,
    },
    always=True,
    parameters=[
        parameter("query", "status", "Those that stand so.", {"$ref": "#/components/schemas/Status"}),
        parameter("query", "outcome", "Those that ended so.", {"$ref": "#/components/schemas/Outcome"}),
        parameter("query", "since", "Those accepted, or retried last, then or later.", MOMENT),
        parameter("query", "until", "Those accepted, or retried last, before that.", MOMENT),
        parameter("query", "metadata", "Those whose metadata has this key.", TEXT),
        OWNER,
        parameter(
            "query",
            "limit",
            "How many at most. Where prompts are passed over, for a time or for metadata, a page may have fewer.",
            {"type": "integer", "minimum": 1, "maximum": MOST_LISTED, "default": USUALLY_LISTED},
        ),
        parameter(
            "query",
            "before",
            "Where the page begins: what `next` of the one before says.",
            {"type": "string", "pattern": f"^{CURSOR.pattern}$"},
        ),
    ],
)
USAGE = guarded(
    "usage",
    "See what you had of the model, day by day",
    {
        "200": answer("The days; to an admin each owner's.", "UsageDays"),
        "400": error("invalid_request: `days`."),
        "404": NO_OWNER,
        **FAILURES,
    },
    always=True,
    parameters=[
        parameter(
            "query",
            "days",
            "How many of the last days, today among them.",
            {"type": "integer", "minimum": 1, "maximum": MOST_DAYS, "default": USUAL_DAYS},
        ),
        OWNER,
    ],
)


def _set(name: str, summary: str) -> dict[str, Any]:
    return guarded(name, summary, {"200": answer("So it is now.", "Paused"), **FAILURES}, always=True)


OF_OWNERS: dict[str, Any] = {
    "/api/v1/prompts": {"get": LISTED},
    "/api/v1/usage": {"get": USAGE},
    "/api/v1/queue/pause": {"post": _set("pause", "Start no more prompts; for an admin's key")},
    "/api/v1/queue/resume": {"post": _set("resume", "Start prompts again; for an admin's key")},
}
