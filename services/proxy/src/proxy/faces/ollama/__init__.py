"""Ollama's own protocol in front of the queue: what its clients send and read, with nothing of ours in its records."""

from flask import Blueprint

from proxy.calls import errors
from proxy.calls.held_calls import HeldCalls
from proxy.faces.ollama import asking, failing, looking, pulling, refusing
from proxy.parts import Parts


def blueprint(parts: Parts, calls: HeldCalls) -> Blueprint:
    """Serve /api, all but what is below /api/v1."""
    routes = Blueprint("ollama", __name__, url_prefix="/api")
    served = calls.served
    errors.register(routes, parts, failing.write)
    asking.serve(routes, parts, calls, served)
    looking.serve(routes, parts, served)
    pulling.serve(routes, parts, served)
    refusing.serve(routes, parts, served)
    return routes
