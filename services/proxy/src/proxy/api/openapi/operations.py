"""Operations as OpenAPI describes them: what each is called with, and its answers: a sentence, a shape, headers."""

from typing import Any

UUID = {"type": "string", "format": "uuid"}
TEXT = {"type": "string"}
SECONDS = {"type": "integer", "minimum": 1, "maximum": 600}

HEADERS: dict[str, Any] = {
    "Location": {"required": True, "description": "Where the prompt's status is.", "schema": TEXT},
    "X-Prompt-Id": {"required": True, "description": "The prompt's id.", "schema": UUID},
    "Retry-After": {"required": True, "description": "Seconds.", "schema": SECONDS},
    "Allow": {"required": True, "description": "The methods there are.", "schema": TEXT},
    "ETag": {"required": True, "description": "The page's version.", "schema": TEXT},
}


def operation(name: str, summary: str, responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Describe an operation; what any may be answered with, if only by mistake, is added."""
    return {"operationId": name, "summary": summary, **more, "responses": dict(sorted((MISTAKES | responses).items()))}


def parameter(place: str, name: str, description: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Describe a parameter, which stands in the path, the query or a header."""
    return {"name": name, "in": place, "description": description, "schema": schema, **more}


def content(name: str) -> dict[str, Any]:
    """Say that a body is JSON of this shape."""
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def answer(description: str, shape: str, *names: str) -> dict[str, Any]:
    """Describe an answer in JSON, with the headers of these names."""
    return described(description, *names, content=content(shape))


def error(description: str, *names: str) -> dict[str, Any]:
    """Describe an error."""
    return answer(description, "Error", *names)


def events(description: str, *names: str) -> dict[str, Any]:
    """Describe a stream of events."""
    return described(description, *names, content={"text/event-stream": {"schema": TEXT}})


def described(description: str, *names: str, **more: Any) -> dict[str, Any]:
    """Describe an answer, which has no body unless `more` says so."""
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"description": description, **({"headers": headers} if headers else {}), **more}


MISTAKES = {"405": error("method_not_allowed.", "Allow"), "500": error("internal_error: a mistake of the proxy.")}
