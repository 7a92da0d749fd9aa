"""OpenAI's protocol, below /v1."""

from flask import Blueprint

from proxy.calls import errors as call_errors
from proxy.calls.held_calls import HeldCalls
from proxy.faces.openai import errors, routes
from proxy.faces.openai.responses import routes as responses
from proxy.parts import Parts


def blueprint(parts: Parts, calls: HeldCalls) -> Blueprint:
    """Serve what OpenAI's protocol alone has."""
    made = Blueprint("openai", __name__, url_prefix="/v1")
    call_errors.register(made, parts, errors.write)
    made.after_request(errors.name)
    routes.serve(made, parts, calls)
    responses.serve(made, parts, calls)
    return made
