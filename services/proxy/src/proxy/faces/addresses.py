"""The addresses below /v1 that two protocols share: the models, and whatever there is not.

Anthropic's clients say which protocol they speak in a header. Who says nothing speaks OpenAI's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

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


@dataclass(frozen=True, slots=True)
class Shape:
    """How a protocol says what it shares with others."""

    listing: Callable[[Served], Mapping[str, Any]]
    one: Callable[[Served, str], Mapping[str, Any]]
    refuse: Callable[[Failure], Response]
    name: Callable[[Response], Response]


ANTHROPIC = Shape(anthropic_models.listing, anthropic_models.one, anthropic_errors.write, anthropic_errors.name)
OPENAI = Shape(openai_models.listing, openai_models.one, openai_errors.write, openai_errors.name)


def blueprint(parts: Parts, calls: HeldCalls) -> Blueprint:
    """Serve what is shared, each request in the shape of the protocol that it speaks."""
    routes = Blueprint("addresses", __name__, url_prefix="/v1")
    served = calls.served
    errors.register(routes, parts, lambda failure: _shape().refuse(failure))
    routes.after_request(lambda answer: _shape().name(answer))

    @routes.get("/models")
    def models() -> Response:
        return json_response(_shape().listing(served))

    @routes.get("/models/<path:name>")
    def model(name: str) -> Response:
        return json_response(_shape().one(served, name))

    @routes.before_app_request
    def nothing() -> Response | None:
        """Answer for an address or a method that there is not, which belongs to no blueprint."""
        error = request.routing_exception
        failure = errors.of_http(error) if error and request.path.startswith("/v1/") else None
        return _refusal(failure) if failure else None

    return routes


def _refusal(failure: Failure) -> Response:
    shape = _shape()
    answer = shape.name(shape.refuse(failure))
    if failure.allowed:
        answer.headers["Allow"] = ", ".join(failure.allowed)
    return answer


def _shape() -> Shape:
    is_anthropics = "anthropic-version" in request.headers or request.path.startswith("/v1/messages")
    return ANTHROPIC if is_anthropics else OPENAI
