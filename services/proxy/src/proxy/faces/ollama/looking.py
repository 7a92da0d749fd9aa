"""The endpoints that tell of the model and its server, from what a worker last read there."""

from flask import Blueprint, Response

from proxy.calls.bodies import json_response
from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Kind
from proxy.calls.model import Served
from proxy.faces.ollama import bodies, describing
from proxy.faces.ollama.reading import fields, names
from proxy.parts import Parts

NO_CLOUD = {"cloud": {"disabled": True, "source": "env"}}


def serve(routes: Blueprint, parts: Parts, served: Served) -> None:
    """Add the endpoints."""

    @routes.get("/version")
    def version() -> Response:
        return json_response(describing.version(served.facts()))

    @routes.get("/tags")
    def tags() -> Response:
        return json_response(describing.tags(served.model(), served.facts()))

    @routes.get("/ps")
    def ps() -> Response:
        context_length = served.context_length
        return json_response(describing.loaded(served.model(), served.facts(), context_length=context_length))

    @routes.get("/status")
    def status() -> Response:
        return json_response(NO_CLOUD)

    @routes.post("/show")
    def show() -> Response:
        given = bodies.fields_of(parts, fields.SHOW, "ShowRequest")
        model = given.get("model") or given.get("name")
        if not model:
            raise InvalidAsked("model is required", param="model")
        name = names.read(model)
        shown = describing.shown(served.model(), served.facts()) if served.answers(model) else None
        if shown is None:
            raise InvalidAsked(f"model '{name.short}' not found", param="model", kind=Kind.UNKNOWN_MODEL)
        return json_response(shown)
