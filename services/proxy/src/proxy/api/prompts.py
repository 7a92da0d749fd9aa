"""The endpoints of one prompt: submit it, see where it stands, read its answer, cancel, retry, see or delete it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, request
from promptqueue.prompt import NewPrompt, Outcome, Progress, Prompt, Status
from promptqueue.wire import PromptStatus, prompt_status

from proxy.access.asker import current
from proxy.api import parameters
from proxy.api.bodies import Answer, NoAnswer, WholePrompt
from proxy.api.envelope import answer
from proxy.api.parameters import known_id
from proxy.asking import submission
from proxy.calls.accepted import accepted_body
from proxy.parts import Parts
from proxy.serving import body
from proxy.serving.headers import served_by

BRIEF = 16 * 1024  # bytes of a body that is checked at once: it takes some milliseconds, whatever it holds


def blueprint(parts: Parts) -> Blueprint:
    """Serve /api/v1/prompt."""
    routes = Blueprint("prompts", __name__, url_prefix="/api/v1/prompt")
    _serve_changes(routes, parts)
    _serve_looks(routes, parts)
    return routes


def _serve_changes(routes: Blueprint, parts: Parts) -> None:
    @routes.post("")
    def submit() -> Response:
        own, key = parts.own(current()), parameters.idempotency_key()
        with body.reading(parts.config.max_prompt_bytes, parts.room) as data:
            accepted = own.accept(_checked(parts, data, key), size=len(data))
        content = accepted_body(accepted.prompt, accepted.position, parts.config.base_path)
        return _about(content["id"], content, 202, {"Location": content["links"]["status"]})

    @routes.post("/<prompt_id>/cancel")
    def cancel(prompt_id: str) -> Response:
        prompt = parts.own(current()).cancel(known_id(prompt_id))
        return _about(prompt.id, _status(parts, prompt, None))

    @routes.post("/<prompt_id>/retry")
    def retry(prompt_id: str) -> Response:
        prompt, position = parts.own(current()).retry(known_id(prompt_id))
        return _about(prompt.id, _status(parts, prompt, position))

    @routes.delete("/<prompt_id>")
    def delete(prompt_id: str) -> Response:
        prompt_id = known_id(prompt_id)
        parts.own(current()).delete(prompt_id)
        return Response(status=204, headers={"X-Prompt-Id": prompt_id})


def _serve_looks(routes: Blueprint, parts: Parts) -> None:
    @routes.get("/<prompt_id>/status")
    def status(prompt_id: str) -> Response:
        prompt_id, held, known = known_id(prompt_id), parameters.held(), parameters.known_status()

        def differs(progress: Progress) -> bool:
            nonlocal known
            known = known or progress.prompt.status
            return progress.prompt.status in (set(Status) - {known}) | {Status.COMPLETED}

        found = parts.own(current()).standing(prompt_id, differs, held)
        return _about(prompt_id, _status(parts, found.prompt, found.position))

    @routes.get("/<prompt_id>/result")
    def result(prompt_id: str) -> Response:
        own, prompt_id, held = parts.own(current()), known_id(prompt_id), parameters.held()
        found = own.hold(prompt_id, lambda progress: progress.prompt.outcome is not None, held)
        prompt, status = found.prompt, _status(parts, found.prompt, found.position)
        match prompt.outcome:
            case None:
                retry_after = parts.estimates.until_next_look(status["eta_seconds"])
                return _about(prompt_id, status, 202, {"Retry-After": str(retry_after)})
            case Outcome.SUCCEEDED:
                ended: Answer = {"id": prompt.id, "status": Status.COMPLETED, "outcome": Outcome.SUCCEEDED}
                content = {**(own.answer(prompt_id) or {}), **ended}
                return _about(prompt_id, content, headers=served_by(prompt.server))
            case _:
                no_answer: NoAnswer = {**status, "partial": own.partial(prompt_id)}
                return _about(prompt_id, no_answer, 410)

    @routes.get("/<prompt_id>")
    def whole(prompt_id: str) -> Response:
        own, prompt_id = parts.own(current()), known_id(prompt_id)
        found = own.progress(prompt_id)
        whole: WholePrompt = {
            **_status(parts, found.prompt, found.position),
            "request": own.request(prompt_id),
            "answer": own.answer(prompt_id) if found.prompt.outcome is Outcome.SUCCEEDED else None,
        }
        return _about(prompt_id, whole)


def _checked(parts: Parts, data: bytes, key: str | None) -> NewPrompt:
    check = partial(submission.read, data, charset=request.mimetype_params.get("charset"), key=key)
    model, new = check() if len(data) <= BRIEF else parts.concurrency.alone(check)
    if model is not None:
        submission.check_model(model, answers=parts.estimates.model())
    return new


def _status(parts: Parts, prompt: Prompt, position: int | None) -> PromptStatus:
    return prompt_status(prompt, position, parts.estimates.eta(prompt, position))


def _about(
    prompt_id: str, content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return answer(content, status, {"X-Prompt-Id": prompt_id, **(headers or {})})
