"""The endpoints of one prompt: hand it in, see where it stands, read its answer, cancel, retry, see or delete it."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Blueprint, Response, request
from promptqueue.errors import QueueFull
from promptqueue.prompt import Enqueued, Outcome, Progress, Prompt, Status

from proxy.api import wire
from proxy.asking.submission import check_model, new_prompt, submitted
from proxy.errors import InvalidRequest
from proxy.live.held_requests import Held
from proxy.serving import body
from proxy.serving.connection import Connection
from proxy.storage.progress import known_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from promptqueue import PromptQueue
    from promptqueue.prompt import NewPrompt

    from proxy.config import Config
    from proxy.parts import Parts

Found = TypeVar("Found")

LONGEST_WAIT = 60  # seconds
BRIEF = 16 * 1024  # bytes of a body that is checked at once, within some milliseconds, whatever it holds

KEY = re.compile(r"[\x21-\x7e]{16,255}")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", re.ASCII)

log = logging.getLogger(__name__)


def blueprint(parts: Parts) -> Blueprint:
    """Serve /api/v1/prompt."""
    routes = Blueprint("prompts", __name__, url_prefix="/api/v1/prompt")
    _serve_changes(routes, parts)
    _serve_looks(routes, parts)
    return routes


def _serve_changes(routes: Blueprint, parts: Parts) -> None:
    @routes.post("")
    def submit() -> Response:
        key = _key()
        with body.reading(parts.config.max_prompt_bytes, parts.room) as data:
            new, size = _checked(parts, data, key), len(data)
            accepted = parts.writer.do(lambda queue: _accept(queue, new, parts.config), weight=size)
        prompt = accepted.prompt
        if accepted.replayed:
            log.info("prompt replayed id=%s status=%s", prompt.id, prompt.status)
        else:
            log.info("prompt accepted id=%s position=%s bytes=%d", prompt.id, accepted.position, size)
        links = _links(parts.config.base_path, prompt.id)
        return _about(
            prompt.id,
            {"id": prompt.id, "status": prompt.status, "position": accepted.position, "links": links},
            202,
            {"Location": links["status"]},
        )

    @routes.post("/<prompt_id>/cancel")
    def cancel(prompt_id: str) -> Response:
        prompt_id = known_id(prompt_id)
        prompt = parts.writer.do(lambda queue: _cancel(queue, prompt_id))
        _note_cancel(prompt)
        return _about(prompt_id, _status(parts, prompt, None))

    @routes.post("/<prompt_id>/retry")
    def retry(prompt_id: str) -> Response:
        prompt_id = known_id(prompt_id)
        prompt, position, was_over = parts.writer.do(
            lambda queue: _retry(queue, prompt_id, max_queued=parts.config.max_queue_depth)
        )
        if was_over:
            log.info("prompt retried id=%s position=%s", prompt.id, position)
        return _about(prompt_id, _status(parts, prompt, position))

    @routes.delete("/<prompt_id>")
    def delete(prompt_id: str) -> Response:
        prompt_id = known_id(prompt_id)
        parts.writer.do(lambda queue: queue.delete(prompt_id))
        log.info("prompt deleted id=%s", prompt_id)
        return Response(status=204, headers={"X-Prompt-Id": prompt_id})


def _serve_looks(routes: Blueprint, parts: Parts) -> None:
    @routes.get("/<prompt_id>/status")
    def status(prompt_id: str) -> Response:
        prompt_id, held, known = known_id(prompt_id), _held(), _unless()

        def differs(seen: Progress) -> bool:
            nonlocal known
            known = known or seen.prompt.status
            return seen.prompt.status in (set(Status) - {known}) | {Status.COMPLETED}

        seen = parts.watch.hold(prompt_id, lambda: parts.standings.of(prompt_id), differs, held)
        return _about(prompt_id, _status(parts, seen.prompt, seen.position))

    @routes.get("/<prompt_id>/result")
    def result(prompt_id: str) -> Response:
        prompt_id, held = known_id(prompt_id), _held()
        seen = parts.watch.hold(
            prompt_id,
            lambda: parts.standings.of(prompt_id),
            lambda seen: seen.prompt.status is Status.COMPLETED,
            held,
        )
        prompt, told = seen.prompt, _status(parts, seen.prompt, seen.position)
        match prompt.outcome:
            case None:
                retry_after = parts.estimates.until_next_look(told["eta_seconds"])
                return _about(prompt_id, told, 202, {"Retry-After": str(retry_after)})
            case Outcome.SUCCEEDED:
                answer = parts.reader.read(lambda queue: queue.answer(prompt_id)) or {}
                told = {**answer, "id": prompt.id, "status": prompt.status, "outcome": prompt.outcome}
                return _about(prompt_id, told)
            case _:
                partial = parts.reader.read(lambda queue: queue.partial(prompt_id))
                return _about(prompt_id, {**told, "partial": partial}, 410)

    @routes.get("/<prompt_id>")
    def whole(prompt_id: str) -> Response:
        prompt_id = known_id(prompt_id)
        seen = parts.standings.of(prompt_id)
        asked, answer = parts.reader.read(lambda queue: _texts(queue, seen.prompt))
        return _about(prompt_id, {**_status(parts, seen.prompt, seen.position), "request": asked, "answer": answer})


def _checked(parts: Parts, data: bytes, key: str | None) -> NewPrompt:
    charset = request.mimetype_params.get("charset")

    def check() -> tuple[str | None, NewPrompt]:
        value = wire.read(data, charset=charset)
        asked = submitted(value)
        return asked.model, new_prompt(asked, value, key=key)

    model, new = check() if len(data) <= BRIEF else parts.concurrency.alone(check)
    if model is not None:
        check_model(model, answers=parts.estimates.model())
    return new


def _accept(queue: PromptQueue, new: NewPrompt, config: Config) -> Enqueued:
    def enqueue() -> Enqueued:
        [accepted] = queue.enqueue(
            new,
            max_queued=config.max_queue_depth,
            max_stored_bytes=config.max_stored_bytes,
            min_free_bytes=config.min_free_bytes,
        )
        return accepted

    accepted = _with_room(queue, enqueue)
    if accepted.replayed and accepted.prompt.overdue:
        prompt = queue.settle(accepted.prompt.id)
        return Enqueued(prompt=prompt, position=queue.position(prompt.id), replayed=True)
    return accepted


def _note_cancel(prompt: Prompt) -> None:
    if prompt.outcome is Outcome.CANCELLED:
        log.info("prompt cancelled id=%s", prompt.id)
    else:
        log.info("prompt not cancelled id=%s reason=ended outcome=%s", prompt.id, prompt.outcome)


def _with_room(queue: PromptQueue, verb: Callable[[], Found]) -> Found:
    """Let `verb` put something into the line, though it may seem full."""
    try:
        return verb()
    except QueueFull:
        if not queue.recover().total:  # else some of those who wait waited too long, and nobody has looked since
            raise
        return verb()


def _cancel(queue: PromptQueue, prompt_id: str) -> Prompt:
    """Cancel what has not ended, and be it that its time was over before."""
    return queue.settle(prompt_id) if queue.get(prompt_id).overdue else queue.cancel(prompt_id)


def _retry(queue: PromptQueue, prompt_id: str, *, max_queued: int) -> tuple[Prompt, int | None, bool]:
    """Queue a prompt again, and be it that its time was over before and nobody has looked since.

    Gives the prompt, its place, and whether it was over.
    """
    before = queue.get(prompt_id)
    if before.overdue:
        before = queue.settle(prompt_id)
    prompt = _with_room(queue, lambda: queue.retry(prompt_id, max_queued=max_queued))
    return prompt, queue.position(prompt_id), before.status is Status.COMPLETED


def _texts(queue: PromptQueue, prompt: Prompt) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """Give what was asked, None once that was erased, and the answer, None while there is none."""
    answer = queue.answer(prompt.id) if prompt.outcome is Outcome.SUCCEEDED else None
    return queue.request(prompt.id), answer


def _status(parts: Parts, prompt: Prompt, position: int | None) -> dict[str, Any]:
    return wire.status_body(prompt, position, parts.estimates.eta(prompt, position))


def _about(prompt_id: str, told: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return wire.answer(told, status, {"X-Prompt-Id": prompt_id, **(headers or {})})


def _links(base_path: str, prompt_id: str) -> dict[str, str]:
    here = f"{base_path}/api/v1/prompt/{prompt_id}"
    return {name: f"{here}/{name}" for name in ("status", "result", "events", "cancel")}


def _key() -> str | None:
    key: str | None = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and not KEY.fullmatch(key):
        message = "An Idempotency-Key has 16 to 255 visible ASCII characters, such as a UUID."
        raise InvalidRequest(message, param="Idempotency-Key")
    return key


def _held() -> Held:
    text = request.args.get("wait", "0")
    if not NUMBER.fullmatch(text) or not 0 <= float(text) <= LONGEST_WAIT:
        message = f"wait is a number of seconds from 0 to {LONGEST_WAIT}."
        raise InvalidRequest(message, param="wait")
    return Held(float(text), by=Connection(request.environ))


def _unless() -> Status | None:
    text = request.args.get("unless")
    if text is None:
        return None
    try:
        return Status(text)
    except ValueError:
        message = f"unless is one of {', '.join(Status)}."
        raise InvalidRequest(message, param="unless") from None
