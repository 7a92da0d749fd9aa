"""What is refused: changing models, which is not a client's to do; embeddings; addresses and methods that are none."""

import re

from flask import Blueprint, Response, request

from proxy.calls import errors
from proxy.calls.bodies import json_response
from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Kind
from proxy.calls.model import Served
from proxy.faces.ollama import bodies, failing
from proxy.faces.ollama.reading import fields, names
from proxy.parts import Parts

BELOW = re.compile(r"/api/(?!v1(/|$))")
"""Every address of Ollama's, there or not; what is below /api/v1 is this product's own."""
FORBIDDEN = {
    "/create": ["POST"],
    "/copy": ["POST"],
    "/push": ["POST"],
    "/delete": ["DELETE"],
    "/blobs/<digest>": ["POST"],
    "/me": ["POST"],
    "/signout": ["POST"],
    "/web_search": ["POST"],
    "/web_fetch": ["POST"],
    "/experimental/<path:rest>": ["GET", "POST"],
}
"""What changes models, needs an account, or leaves the machine; by its address, with its methods."""

NOT_YOURS = "models are managed by whoever runs this server"
NO_EMBEDDINGS = "This server does not support embeddings. Start it with `--embeddings`"
"""What the model's own server says, which generates and does nothing else."""


def serve(routes: Blueprint, parts: Parts, served: Served) -> None:
    """Add the endpoints, and the answer to whatever is none."""

    def forbid(**_path: str) -> Response:
        raise InvalidAsked(NOT_YOURS, kind=Kind.FORBIDDEN, code="forbidden")

    for address, methods in FORBIDDEN.items():
        routes.add_url_rule(address, endpoint=f"forbid{address.partition('<')[0]}", view_func=forbid, methods=methods)

    @routes.route("/blobs/<digest>", methods=["HEAD"])
    def blob(digest: str) -> Response:  # noqa: ARG001 (no digest is here)
        return Response(status=404)

    @routes.post("/embed")
    def embed() -> Response:
        given = _for_embeddings(parts, served, "EmbedRequest")
        if given.get("input") in (None, "", []):
            return json_response({"model": given["model"], "embeddings": []})
        raise InvalidAsked(NO_EMBEDDINGS, kind=Kind.UNSUPPORTED, code="unsupported")

    @routes.post("/embeddings")
    def embeddings() -> Response:
        _for_embeddings(parts, served, "EmbeddingRequest")
        raise InvalidAsked(NO_EMBEDDINGS, kind=Kind.FAILED, code="unsupported")

    _serve_elsewhere(routes)


def _for_embeddings(parts: Parts, served: Served, struct: str) -> dict[str, object]:
    given = bodies.fields_of(parts, fields.EMBED, struct)
    model, asked = given.get("model", ""), given.get("input")
    if not (asked is None or isinstance(asked, str | list)):
        raise InvalidAsked("invalid input type", param="input")
    if not model:
        raise InvalidAsked("model '' not found", param="model", kind=Kind.UNKNOWN_MODEL)
    names.read(model)
    if not served.answers(model):
        message = f'model "{model}" not found, try pulling it first'
        raise InvalidAsked(message, param="model", kind=Kind.UNKNOWN_MODEL)
    return given


def _serve_elsewhere(routes: Blueprint) -> None:
    @routes.before_app_request
    def elsewhere() -> Response | None:
        """Answer for an address or a method that is none, which belongs to no blueprint."""
        error = request.routing_exception
        failure = errors.of_http(error) if error and BELOW.match(request.path) else None
        return failing.write(failure) if failure else None
