"""Held calls: how a face's requests become prompts, and their prompts answers."""

import hashlib
from collections.abc import Callable
from functools import partial

from flask import Response, request
from promptqueue.errors import PromptNotFound
from promptqueue.prompt import Enqueued, Idempotency, NewPrompt, Origin, Progress, Prompt

from proxy.access.asker import current
from proxy.asking import idempotency
from proxy.calls.accepted import accepted_body
from proxy.calls.asked import Asked
from proxy.calls.bodies import json_response
from proxy.calls.holding import preferences
from proxy.calls.holding.call import HeldCall, StreamedCall, WholeCall
from proxy.calls.holding.hold import Hold
from proxy.calls.holding.holders import Holders
from proxy.calls.holding.patience import Patience
from proxy.calls.holding.response import HeldResponse, of_place, of_prompt
from proxy.calls.model import Served
from proxy.calls.writer import Writer
from proxy.live.cursor import Cursor
from proxy.parts import Parts
from proxy.serving.connection import Connection

QUICK = 1024 * 1024  # bytes, of which a digest takes a millisecond; others would have to wait for that of more
IDENTITY = ("Authorization", "x-api-key", "Idempotency-Key")
"""Headers that tell two clients with the same body apart."""


class HeldCalls:
    """Made once for a process, for all its faces."""

    def __init__(self, parts: Parts) -> None:
        self.served = Served(parts)  # one for all faces, or each would read the same
        self._parts = parts
        self._holders = Holders()

    def accept(self, face: str, asked: Asked, data: bytes) -> Prompt:
        """Put what was asked into the line, for a client that will come back for it; its body was `data`.

        Raises QueueFull, StorageFull, StorageUnavailable, PromptDeleted, IdempotencyConflict and Refused.
        """
        return self._accept(face, asked, data, holder=None).prompt

    def answer(self, face: str, asked: Asked, data: bytes, writer: Callable[[Prompt], Writer]) -> Response:
        """Put what was asked into the line, and give a response that is held until there is an answer.

        A client that said that it does not wait gets what `POST /api/v1/prompt` answers. Raises what `accept` does, and
        TooManyStreams before anything is accepted.
        """
        keeps = preferences.keeps(request.headers)
        if preferences.waits_not(request.headers):
            return self._unheld(self._accept(face, asked, data, holder=None), asked)
        hold = Hold(self._parts, self._holders, Connection(request.environ), current())
        try:
            holder = None if keeps else self._parts.prompts.holder()
            progress = self._taken_up(face, data, holder) or self._put_in_line(face, asked, data, holder)
            hold.take(progress.prompt.id, holder=holder, erases=not asked.is_stored)
            written = writer(progress.prompt)
            call = self._call(hold, asked, progress, written)
        except BaseException:
            hold.let_go(is_over=False)
            hold.close()
            raise
        return HeldResponse(call, headers=_ignored(asked), stream_type=written.stream_type if asked.streams else None)

    def origin(self, face: str, prompt_id: str) -> Origin:
        """Say what the answers of a prompt of this face repeat. Raises PromptNotFound, also for one of another face."""
        origin = self._parts.own(current()).origin(prompt_id)
        if origin is None or origin.face != face:
            raise PromptNotFound
        return origin

    def follow(self, prompt_id: str, writer: Writer, *, attempt: int = 0, offset: int = 0) -> Response:
        """Stream what becomes of a prompt to a client that has its text up to there, and whose leaving means nothing.

        Raises PromptNotFound, StorageUnavailable and TooManyStreams.
        """
        progress = self._parts.own(current()).progress(prompt_id)
        if request.method == "HEAD":
            return Response(headers={"X-Prompt-Id": prompt_id}, content_type=writer.stream_type)
        hold = Hold(self._parts, self._holders, Connection(request.environ), current())
        patience = Patience.of_stream(self._parts.config, request.headers)
        call = StreamedCall(
            self._parts,
            hold,
            progress,
            writer,
            patience,
            cursor=Cursor(attempt, offset),
            has_status=True,
        )
        return Response(
            call,
            headers={**of_prompt(call), **of_place(call)},
            content_type=writer.stream_type,
            direct_passthrough=True,
        )

    def _taken_up(self, face: str, data: bytes, holder: str | None) -> Progress | None:
        """Give the prompt that this very request has put into the line before, if its process is gone since."""
        if holder is None or not preferences.asks_again(request.headers):
            return None
        prompt = self._parts.own(current()).reattach(face, self._fingerprint(face, data, *_identity()), holder)
        return self._parts.prompts.progress(prompt.id) if prompt else None

    def _put_in_line(self, face: str, asked: Asked, data: bytes, holder: str | None) -> Progress:
        accepted = self._accept(face, asked, data, holder=holder)
        return Progress(prompt=accepted.prompt, position=accepted.position, text_attempt=0, text_length=0)

    def _accept(self, face: str, asked: Asked, data: bytes, *, holder: str | None) -> Enqueued:
        key = idempotency.read(request.environ.get("HTTP_IDEMPOTENCY_KEY"))
        new = NewPrompt(
            request=asked.request,
            priority=asked.priority,
            expires_in=asked.expires_in,
            metadata=asked.metadata,
            idempotency=Idempotency(key=key, fingerprint=self._fingerprint(face, data)) if key else None,
            origin=Origin(
                face=face,
                echo=asked.echo,
                fingerprint=self._fingerprint(face, data, *_identity()) if holder else None,
                holder=holder,
                is_kept=asked.is_stored,
            ),
        )
        return self._parts.own(current()).accept(new, size=len(data))

    def _fingerprint(self, face: str, data: bytes, *identity: str) -> str:
        """Give a digest by which the same request is known when it comes again."""
        make = partial(_digest, "\0".join([face, *identity, ""]).encode(), data)
        return make() if len(data) <= QUICK else self._parts.concurrency.apart(make)

    def _call(self, hold: Hold, asked: Asked, progress: Progress, writer: Writer) -> HeldCall:
        config, headers = self._parts.config, request.headers
        if not asked.streams:
            return WholeCall(self._parts, hold, progress, writer, Patience.of_whole(config, headers))
        patience = Patience.of_stream(config, headers)
        return StreamedCall(self._parts, hold, progress, writer, patience)

    def _unheld(self, accepted: Enqueued, asked: Asked) -> Response:
        body = accepted_body(accepted.prompt, accepted.position, self._parts.config.base_path)
        headers = {
            "X-Prompt-Id": body["id"],
            "Location": body["links"]["status"],
            "Preference-Applied": "respond-async",
            **_ignored(asked),
        }
        return json_response(body, 202, headers)


def _ignored(asked: Asked) -> dict[str, str]:
    return {"X-Ignored": ", ".join(asked.ignored)} if asked.ignored else {}


def _identity() -> list[str]:
    """Give what tells this client from another with the same body; of an owner all keys are one client's."""
    names = IDENTITY[-1:] if current().key else IDENTITY
    return [request.headers.get(name, "") for name in names]


def _digest(*pieces: bytes) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)  # a sum of them would be another copy of the body
    return digest.hexdigest()
