"""The addresses below /v1 that two protocols share: the models, and whatever there is not.

Anthropic's clients say which protocol they speak in a header. Who says nothing speaks OpenAI's.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from proxy.calls import errors
from proxy.calls.bodies import json_response
from proxy.calls.failure import Failure
from proxy.calls.held_calls import HeldCalls
from proxy.calls.model import Served
from proxy.faces.anthropic import errors as anthropic_errors
from proxy.faces.anthropic import models as anthropic_models
from proxy.faces.openai import errors as openai_errors
from proxy.faces.openai import models as openai_models
from proxy.parts import Parts

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Shape:
    """How a protocol says what it shares with others."""

    listing: Callable[[Served], Mapping[str, Any]]
    one: Callable[[Served, str], Mapping[str, Any]]
    refuse: Callable[[Failure], Response]
    name: Callable[[Response], Response]


ANTHROPIC = Shape(anthropic_models.listing, anthropic_models.one, anthropic_errors.write, anthropic_errors.name)
OPENAI = Shape(openai_models.listing, openai_models.one, openai_errors.write, openai_errors.name)


def blueprint(parts: Parts, _calls: HeldCalls) -> Blueprint:
    """Serve what is shared, each request in the shape of the protocol that it speaks."""
    routes = Blueprint("addresses", __name__, url_prefix="/v1")
    served = Served(parts)
    errors.register(routes, parts, lambda failure: _shape().refuse(failure))
    routes.after_request(lambda answer: _shape().name(answer))

    @routes.get("/models")
    def models() -> Response:
        return json_response(_shape().listing(served))

    @routes.get("/models/<path:name>")
    def model(name: str) -> Response:
        return json_response(_shape().one(served, name))

    @routes.route("/", methods=METHODS)
    @routes.route("/<path:_rest>", methods=METHODS)
    def nothing(_rest: str = "") -> Response:
        if allowed := list(_allowed()):
            raise MethodNotAllowed(allowed)
        raise NotFound

    return routes


def _shape() -> Shape:
    is_anthropics = "anthropic-version" in request.headers or request.path.startswith("/v1/messages")
    return ANTHROPIC if is_anthropics else OPENAI


def _allowed() -> Iterator[str]:
    """Give the methods that the current request's address takes, other than to say that there is nothing."""
    addresses = current_app.url_map.bind_to_environ(request.environ)
    for method in METHODS:
        try:
            endpoint, _ = addresses.match(method=method)
        except HTTPException:
            continue
        if endpoint != request.endpoint:
            yield method
