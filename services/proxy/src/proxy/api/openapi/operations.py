"""Operations as OpenAPI describes them: what each is called with, and its answers: a sentence, a shape, headers."""

from typing import Any

UUID = {"type": "string", "format": "uuid"}
TEXT = {"type": "string"}
SECONDS = {"type": "integer", "minimum": 1, "maximum": 24 * 3600}

KEY = "key"
SECURITY_SCHEMES: dict[str, Any] = {
    KEY: {
        "type": "http",
        "scheme": "bearer",
        "description": "A key that `python -m promptqueue keys add` has made. As long as there is none, nobody needs "
        "one but for what is told of owners.",
    }
}

HEADERS: dict[str, Any] = {
    "Location": {"required": True, "description": "Where the prompt's status is.", "schema": TEXT},
    "X-Prompt-Id": {"required": True, "description": "The prompt's id.", "schema": UUID},
    "X-Served-By": {"description": "The address of the model server that wrote the answer.", "schema": TEXT},
    "Retry-After": {"required": True, "description": "Seconds.", "schema": SECONDS},
    "WWW-Authenticate": {"required": True, "description": "How to send a key.", "schema": {"const": "Bearer"}},
    "Allow": {"required": True, "description": "The methods there are.", "schema": TEXT},
    "ETag": {"required": True, "description": "The page's version.", "schema": TEXT},
}


def operation(name: str, summary: str, responses: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Describe an operation; what any may be answered with, if only by mistake, is added."""
    return {"operationId": name, "summary": summary, **more, "responses": dict(sorted((MISTAKES | responses).items()))}


def guarded(name: str, summary: str, responses: dict[str, Any], *, always: bool = False, **more: Any) -> dict[str, Any]:
    """Describe an operation for which a key is needed: `always`, or where there are keys."""
    security: list[dict[str, list[str]]] = [{KEY: []}] if always else [{}, {KEY: []}]
    return operation(name, summary, REFUSALS | responses, security=security, **more)


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


TOO_OFTEN = "quota_exceeded: you have as much as you may have of what `param` names"
MISTAKES = {
    "405": error("method_not_allowed.", "Allow"),
    "421": error("misdirected_request: the header Host gives this server a name that it is not known by."),
    "500": error("internal_error: a mistake of the proxy."),
}
REFUSALS = {
    "401": error("unauthorized: a key is needed, and none came that holds.", "WWW-Authenticate"),
    "403": error("forbidden: the key is for something else."),
    "429": error(f"{TOO_OFTEN}.", "Retry-After"),
}
