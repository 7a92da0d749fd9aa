"""The addresses of this protocol, all but the list of models, which it shares with another one."""

from flask import Blueprint, Response

from proxy.calls import bodies
from proxy.calls import errors as calls_errors
from proxy.calls.held_calls import HeldCalls
from proxy.faces.anthropic import errors, models, reading
from proxy.faces.anthropic.writing import MessageWriter
from proxy.parts import Parts

FACE = "anthropic.messages"


def blueprint(parts: Parts, calls: HeldCalls) -> Blueprint:
    """Serve /v1/messages."""
    routes = Blueprint("anthropic", __name__, url_prefix="/v1/messages")
    served = calls.served
    calls_errors.register(routes, parts, errors.write)
    routes.after_request(errors.name)

    @routes.post("")
    def create() -> Response:
        with bodies.body(parts) as data:
            asked = bodies.checked(parts, data, reading.read)
            models.check(served, asked.echo["model"])
            return calls.answer(FACE, asked, data, lambda prompt: MessageWriter(prompt.id, asked.echo))

    @routes.post("/count_tokens")
    def count_tokens() -> Response:
        with bodies.body(parts) as data:
            model, tokens = bodies.checked(parts, data, reading.count)
        models.check(served, model)
        return bodies.json_response({"input_tokens": tokens}, headers={"X-Estimated": "true"})

    return routes
