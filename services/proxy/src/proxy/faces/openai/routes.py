"""The addresses of OpenAI's protocol that no other has."""

import time
import uuid
from functools import partial

from flask import Blueprint, Response

from proxy.calls import bodies
from proxy.calls.held_calls import HeldCalls
from proxy.faces.openai import chat, completions, embeddings, models
from proxy.faces.openai.chat.writing import ChatWriter
from proxy.faces.openai.completions.writing import LOADED, CompletionWriter
from proxy.parts import Parts

CHAT, COMPLETIONS = "openai.chat", "openai.completions"
"""By which a prompt is known to have come through them."""


def serve(routes: Blueprint, parts: Parts, calls: HeldCalls) -> None:
    """Serve them below `routes`."""
    served = calls.served

    @routes.post("/chat/completions")
    def chat_completions() -> Response:
        with bodies.body(parts) as data:
            asked = bodies.checked(parts, data, partial(chat.read, longest=served.context_length))
            echo = asked.echo
            models.check(served, echo["model"])
            return calls.answer(CHAT, asked, data, lambda prompt: ChatWriter(prompt, echo))

    @routes.post("/completions")
    def text_completions() -> Response:
        with bodies.body(parts) as data:
            asked = bodies.checked(parts, data, partial(completions.read, longest=served.context_length))
            echo = asked.echo
            models.check(served, echo["model"])
            if not asked.request["prompt"]:
                return _loaded(CompletionWriter(uuid.uuid4().hex, time.time(), echo), streams=asked.streams)
            return calls.answer(COMPLETIONS, asked, data, lambda prompt: CompletionWriter.of(prompt, echo))

    @routes.post("/embeddings")
    def make_embeddings() -> Response:
        with bodies.body(parts) as data:
            model = bodies.checked(parts, data, embeddings.read)
        raise embeddings.refusal() if served.answers(model) else embeddings.unknown(model)


def _loaded(writer: CompletionWriter, *, streams: bool) -> Response:
    if streams:
        return Response(writer.ending(LOADED, attempt=0), content_type=writer.stream_type)
    return bodies.json_response(writer.document(LOADED))
