"""The endpoints that ask the model: /api/generate and /api/chat, held until the prompt is answered."""

from functools import partial

from flask import Blueprint, Response
from promptqueue.prompt import Prompt

from proxy.calls.bodies import body, json_response
from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Kind
from proxy.calls.held_calls import HeldCalls
from proxy.calls.model import Served
from proxy.faces.ollama import bodies
from proxy.faces.ollama.describing import is_installed
from proxy.faces.ollama.reading import question
from proxy.faces.ollama.reading.question import CHAT, GENERATE, Endpoint, Load
from proxy.faces.ollama.writing import Records
from proxy.parts import Parts


def serve(routes: Blueprint, parts: Parts, calls: HeldCalls, served: Served) -> None:
    """Add the endpoints."""

    def answer(endpoint: Endpoint) -> Response:
        look = partial(question.read, endpoint=endpoint, answers=served.name, longest=served.context_length)
        with body(parts) as data:
            asked = bodies.read(parts, data, look)
            if isinstance(asked, Load):
                return _loaded(asked, endpoint, served)
            model = asked.echo["model"]

            def writer(_prompt: Prompt) -> Records:
                return Records(model, is_chat=endpoint is CHAT)

            return calls.answer(endpoint.face, asked, data, writer)

    @routes.post("/generate")
    def generate() -> Response:
        return answer(GENERATE)

    @routes.post("/chat")
    def chat() -> Response:
        return answer(CHAT)


def _loaded(load: Load, endpoint: Endpoint, served: Served) -> Response:
    """Answer at once a request that asks nothing: the model is loaded for everybody, and nobody unloads it."""
    if not is_installed(served.model()):
        raise InvalidAsked(f"model '{load.model}' not found", param="model", kind=Kind.UNKNOWN_MODEL)
    return json_response(Records(load.model, is_chat=endpoint is CHAT).loaded(unloads=load.unloads))
