"""A tiny face, whose protocol is one line for whatever happens."""

from weakref import WeakSet

import proxy.app
from flask import Blueprint, Response
from proxy.access import rules
from proxy.calls import bodies, errors
from proxy.calls.asked import Asked
from proxy.calls.failure import Kind

STATUS = {
    Kind.INVALID: 400,
    Kind.REFUSED: 400,
    Kind.TOO_LONG: 400,
    Kind.TOO_LARGE: 413,
    Kind.NOT_FOUND: 404,
    Kind.WRONG_METHOD: 405,
    Kind.CONFLICT: 409,
    Kind.GONE: 410,
    Kind.FULL: 429,
    Kind.UNAVAILABLE: 503,
}


class Request(dict):
    """What is asked; as long as any of it is in memory, `READ` has it."""

    __hash__ = object.__hash__


READ = WeakSet()


class TinyWriter:
    """Writes what happens."""

    stream_type = "text/plain"

    def __init__(self, prompt, *, speaks_at_once=False):
        self.prompt = prompt
        self.speaks_at_once = speaks_at_once

    def opening(self, standing):
        return b"open\n"

    def beat(self, standing):
        return b"beat\n"

    def moved(self, standing):
        return f"at {standing.progress.position}\n".encode()

    def text(self, piece, *, attempt, offset):
        return f"{attempt}.{offset} {piece}\n".encode()

    def ending(self, answer, *, attempt):
        yield f"answer {answer.text}\n".encode()
        yield b"end\n"

    def failure(self, failure, *, attempt):
        return f"failure {failure.code}\n".encode()

    def document(self, answer):
        return {"text": answer.text}


def tiny(parts, calls):
    """Serve /tiny."""
    rules.RULES.update(dict.fromkeys(("tiny.ask", "tiny.follow"), rules.ASKING))
    routes = Blueprint("tiny", __name__)
    errors.register(
        routes,
        parts,
        lambda failure: Response(f"{failure.code}: {failure.message}", STATUS.get(failure.kind, 500)),
    )

    @routes.post("/tiny")
    def ask():
        with bodies.body(parts) as data:
            asked = bodies.checked(parts, data, read)
            return calls.answer("tiny", asked, data, TinyWriter)

    @routes.get("/tiny/<prompt_id>/<int:attempt>/<int:offset>")
    def follow(prompt_id, attempt, offset):
        return calls.follow(prompt_id, TinyWriter(None, speaks_at_once=True), attempt=attempt, offset=offset)

    return routes


def read(body):
    if not isinstance(body, dict):
        message = "Send an object."
        raise errors.InvalidAsked(message)
    asked = Request(prompt=body.pop("prompt", "Why is the sky blue?"))
    READ.add(asked)
    return Asked(
        request=asked,
        echo=body.pop("echo", {}),
        streams=body.pop("stream", False),
        **body,
    )


def add():
    """Let every application that is made from here on have it."""
    proxy.app.FACES = (*proxy.app.FACES, tiny)
