"""Events: a prompt followed live, token by token, over one connection that may break and go on where it was."""

import time
from collections.abc import Mapping

from flask import Blueprint, Response, request
from promptqueue.errors import PromptNotFound
from promptqueue.prompt import Prompt
from promptqueue.wire import moment

from proxy.access.asker import current
from proxy.access.identity import ticket
from proxy.access.tickets import Ticket
from proxy.api.bodies import TicketBody
from proxy.api.envelope import answer
from proxy.api.event_ids import read, read_several
from proxy.api.event_stream import EventStream, SnapshotJSON
from proxy.api.parameters import known_id
from proxy.calls.accepted import links
from proxy.errors import InvalidRequest, NotFound, Unauthorized
from proxy.live.cursor import Cursor
from proxy.parts import Parts
from proxy.serving.connection import Connection

MOST_PROMPTS = 100  # on one stream

HEADERS = {"X-Accel-Buffering": "no"}  # a front server such as nginx would keep events until it has enough of them


def blueprint(parts: Parts) -> Blueprint:
    """Serve /api/v1/prompt/{id}/events and /api/v1/events."""
    routes = Blueprint("events", __name__, url_prefix="/api/v1")
    snapshots = SnapshotJSON()

    @routes.get("/prompt/<prompt_id>/events")
    def of_one(prompt_id: str) -> Response:
        prompt_id = known_id(prompt_id)
        stream = _stream(parts, snapshots, {prompt_id: read(_last_event_id())}, is_one=True)
        stream.headers["X-Prompt-Id"] = prompt_id
        return stream

    @routes.post("/prompt/<prompt_id>/ticket")
    def make_ticket(prompt_id: str) -> Response:
        prompt_id, asker = known_id(prompt_id), current()
        prompt = parts.own(asker).progress(prompt_id).prompt
        text, made = parts.gate.tickets.write(prompt_id, asker.key.name if asker.key else "")
        address = f"{links(prompt_id, parts.config.base_path)['events']}?ticket={text}"
        end = made.expires_at(prompt.completed_at)
        if asker.key and asker.key.expires_at is not None:
            end = min(end, asker.key.expires_at)  # it holds no longer than that key does
        body: TicketBody = {
            "ticket": text,
            "expires_at": moment(end),
            "links": {"events": address},
        }
        return answer(body, headers={"X-Prompt-Id": prompt_id})

    @routes.get("/events")
    def of_several() -> Response:
        prompt_ids = _prompt_ids()
        known = read_several(_last_event_id(), prompt_ids)
        return _stream(parts, snapshots, {prompt_id: known.get(prompt_id) for prompt_id in prompt_ids}, is_one=False)

    return routes


def _stream(parts: Parts, snapshots: SnapshotJSON, cursors: Mapping[str, Cursor | None], *, is_one: bool) -> Response:
    own = parts.own(current())
    found = own.progress_of(list(cursors))
    known = {one.prompt.id for one in found}
    if unknown := [prompt_id for prompt_id in cursors if prompt_id not in known]:
        raise PromptNotFound if is_one else _unknown(unknown[0])
    if any(_is_over(ticket(), one.prompt) for one in found):
        raise Unauthorized
    following = own.follow(found, cursors, Connection(request.environ))
    if following.is_over:
        return Response(status=204)  # which keeps an EventSource from coming back
    if request.method == "HEAD":
        following.close()
        return Response(headers=HEADERS, content_type="text/event-stream")
    stream = EventStream(following, snapshots, is_one=is_one)
    return Response(stream, headers=HEADERS, content_type="text/event-stream", direct_passthrough=True)


def _is_over(ticket: Ticket | None, prompt: Prompt) -> bool:
    return ticket is not None and time.time() >= ticket.expires_at(prompt.completed_at)


def _last_event_id() -> str:
    """Give the id of the event that was read last: a header, or part of the address for who cannot send one."""
    return request.headers.get("Last-Event-ID") or request.args.get("lastEventId", "")


def _prompt_ids() -> list[str]:
    named = dict.fromkeys(request.args.getlist("id"))
    if not 1 <= len(named) <= MOST_PROMPTS:
        message = f"Name 1 to {MOST_PROMPTS} prompts, each as id=…, not {len(named)}."
        raise InvalidRequest(message, param="id")
    prompt_ids = []
    for text in named:
        try:
            prompt_ids.append(known_id(text))
        except PromptNotFound:
            raise _unknown(text) from None
    return list(dict.fromkeys(prompt_ids))


def _unknown(text: str) -> NotFound:
    message = f"No prompt has the id {text[:36]!r}. It may have been deleted, or pruned after the retention time."
    return NotFound(message, param="id")
