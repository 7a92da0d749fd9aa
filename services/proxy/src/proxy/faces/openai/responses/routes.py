"""The endpoints of responses: made, fetched, followed, cancelled, deleted, and what they were made from."""

from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn, TypeVar

from flask import Blueprint, Response, request
from promptqueue.prompt import Prompt

from proxy.access.asker import current
from proxy.calls.asked import Asked
from proxy.calls.bodies import BRIEF, body, checked, json_response
from proxy.calls.errors import InvalidAsked
from proxy.calls.failure import Kind
from proxy.calls.held_calls import HeldCalls
from proxy.calls.model import Served
from proxy.faces.openai import models
from proxy.faces.openai.responses import following, input_items
from proxy.faces.openai.responses.reading.asked import read
from proxy.faces.openai.responses.reading.counted import count
from proxy.faces.openai.responses.reading.past import Past, named
from proxy.faces.openai.responses.stored import FACE, Stored, StoredResponses
from proxy.faces.openai.responses.writing import response
from proxy.faces.openai.responses.writing.writer import ResponseWriter
from proxy.parts import Parts
from proxy.serving.headers import served_by

Read = TypeVar("Read")

SHORTEST, USUAL, LONGEST = 500, 2_000, 10_000  # milliseconds until it is worth asking again


def serve(routes: Blueprint, parts: Parts, calls: HeldCalls) -> None:
    """Serve /v1/responses."""
    stored = StoredResponses(calls, parts)
    _serve_making(routes, parts, calls, stored)
    _serve_stored(routes, parts, calls, stored)
    _serve_changes(routes, parts, stored)


def _serve_making(routes: Blueprint, parts: Parts, calls: HeldCalls, stored: StoredResponses) -> None:
    served = calls.served

    @routes.post("/responses")
    def create() -> Response:
        with body(parts) as data:
            asked = _asked(parts, served, stored, data)
            echo, is_held, streams = asked.echo, not asked.in_background, asked.streams

            def writer(prompt: Prompt) -> ResponseWriter:
                return ResponseWriter(response.Response.of(prompt, echo), is_held=is_held)

            if is_held:
                return calls.answer(FACE, asked, data, writer)
            ignored, prompt = asked.ignored, calls.accept(FACE, asked, data)
        if streams:
            answer = calls.follow(prompt.id, writer(prompt))
        else:
            answer = _about(parts, stored.find(response.name_of(prompt.id)))
        if ignored:
            answer.headers["X-Ignored"] = ", ".join(ignored)
        return answer

    @routes.post("/responses/input_tokens")
    def input_tokens() -> Response:
        with body(parts) as data:
            value, past = _with_past(parts, stored, data)
            tokens = _apart(parts, data, partial(count, value, past=past))
        return json_response({"object": "response.input_tokens", "input_tokens": tokens}, 200, {"X-Estimated": "true"})

    @routes.post("/responses/compact")
    def compact() -> NoReturn:
        raise _nothing_here()

    @routes.get("/responses", websocket=True)
    def by_websocket() -> NoReturn:
        raise _nothing_here()


def _serve_stored(routes: Blueprint, parts: Parts, calls: HeldCalls, stored: StoredResponses) -> None:
    @routes.get("/responses/<response_id>")
    def retrieve(response_id: str) -> Response:
        found = stored.find(response_id)
        if request.args.get("stream") != "true":
            return _about(parts, found)
        start = following.start(found, request.args.get("starting_after"))
        return calls.follow(found.prompt_id, start.writer, attempt=start.attempt, offset=start.offset)

    @routes.get("/responses/<response_id>/input_items")
    def items(response_id: str) -> Response:
        found, query = stored.find(response_id), request.args
        all_items = input_items.items(found.prompt_id, stored.messages(found), found.response.namespaces)
        page = input_items.page(all_items, limit=query.get("limit"), order=query.get("order"), after=query.get("after"))
        return json_response(page, 200, _headers(found.prompt_id))


def _serve_changes(routes: Blueprint, parts: Parts, stored: StoredResponses) -> None:
    @routes.post("/responses/<response_id>/cancel")
    def cancel(response_id: str) -> Response:
        found = stored.find(response_id)
        if not found.in_background:
            message = "Only a response in the background can be cancelled; any other is when its client leaves."
            raise InvalidAsked(message)
        parts.own(current()).cancel(found.prompt_id)
        return _about(parts, stored.find(response_id))

    @routes.delete("/responses/<response_id>")
    def delete(response_id: str) -> Response:
        found = stored.find(response_id)
        parts.own(current()).delete(found.prompt_id)
        deleted = {"id": found.response.id, "object": "response", "deleted": True}
        return json_response(deleted, 200, _headers(found.prompt_id))


def _asked(parts: Parts, served: Served, stored: StoredResponses, data: bytes) -> Asked:
    """Read a body and check its model. Raises InvalidAsked."""
    value, past = _with_past(parts, stored, data)
    limits = {"longest": served.context_length, "largest": parts.config.max_prompt_bytes}
    asked = _apart(parts, data, partial(read, value, past=past, **limits))
    models.check(served, asked.echo["model"])
    return asked


def _with_past(parts: Parts, stored: StoredResponses, data: bytes) -> tuple[Any, Past]:
    """Read a body as JSON, and what is known of earlier responses that it names. Raises InvalidAsked."""
    value, names = checked(parts, data, lambda value: (value, named(value)))
    return value, stored.recall(names)


def _apart(parts: Parts, data: bytes, call: Callable[[], Read]) -> Read:
    """Run what looks at a whole body; apart where it may keep other requests waiting."""
    return call() if len(data) <= BRIEF else parts.concurrency.alone(call)


def _about(parts: Parts, found: Stored) -> Response:
    """Answer with a response as it stands, and say when it is worth asking again if it has no end yet."""
    headers = _headers(found.prompt_id)
    if found.answer:
        headers |= served_by(found.progress.prompt.server)
    elif found.is_going_on:
        eta = parts.estimates.eta(found.progress.prompt, found.progress.position)
        poll = USUAL if eta is None else min(LONGEST, max(SHORTEST, round(eta * 1000 / 2)))
        headers["openai-poll-after-ms"] = str(poll)
    return json_response(found.body(), 200, headers)


def _headers(prompt_id: str) -> dict[str, str]:
    return {"X-Prompt-Id": prompt_id}


def _nothing_here() -> InvalidAsked:
    return InvalidAsked("There is nothing at this address.", kind=Kind.NOT_FOUND, code="not_found")
