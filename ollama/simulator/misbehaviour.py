"""Doing what a fault says, to one call."""

import os
from typing import NoReturn

from . import gojson, hostile
from .answer import Answer
from .errors import Refused
from .faults import TEXTS, Fault, Kind
from .framing import Stream
from .models import Store
from .question import Question
from .request import Request
from .wire import JSON, Connection

HUGE = 8 << 20  # bytes
_KILLED = 137


class Ended(Exception):
    """The fault has ended the call; nothing is left to answer."""


def on_request(fault: Fault, connection: Connection, request: Request) -> None:
    """What goes wrong whatever is asked. Returns when the request is answered as if nothing was."""
    match fault.kind:
        case Kind.HANG_BEFORE_HEADERS:
            connection.wait(fault.seconds)
        case Kind.STATUS:
            if fault.status == 403 and not fault.text:  # noqa: PLR2004 (what a refused Host or Origin gets)
                raise Refused(403, None)
            text = fault.text if fault.text is not None else TEXTS.get(fault.status, "simulated")
            raise Refused(fault.status, text or None)
        case Kind.HTML:
            page = fault.text or "<!DOCTYPE html><title>Sign in</title><p>Please sign in to this network."
            connection.answer(request, 200, page.encode(), content_type="text/html; charset=utf-8")
            raise Ended
        case _:
            if hostile.answer(fault, connection, request):
                raise Ended


def on_arrival(fault: Fault, connection: Connection, request: Request, store: Store, question: Question) -> None:
    """What goes wrong before the model is looked at. Returns when the call goes on."""
    match fault.kind:
        case Kind.MODEL_GONE:
            store.remove(question.name())
        case Kind.BROKEN_STORE:
            store.damage(question.name())
        case _:
            on_request(fault, connection, request)


def on_answer(fault: Fault, connection: Connection, request: Request, stream: Stream | None, answer: Answer) -> None:
    """What goes wrong within the answer. Returns when the answer goes on."""
    match fault.kind:
        case Kind.HANG_BEFORE_FIRST_TOKEN | Kind.HANG_BETWEEN_TOKENS:
            connection.wait(fault.seconds)
        case Kind.HUGE_LINE:
            _say(b"x" * HUGE, stream, answer)
        case Kind.BAD_UTF8:
            _say(b"\xff\xfe", stream, answer)
        case Kind.CRASH:
            os._exit(_KILLED)
        case Kind.RESET:
            connection.reset()
            raise Ended
        case Kind.EOF:
            connection.drop()
            raise Ended
        case Kind.TRUNCATED:
            _truncate(connection, request, stream, answer)
        case Kind.CUT | Kind.DONE_FALSE:
            _end_early(connection, request, stream, answer)
        case Kind.ERROR_LINE:
            _say_error(fault, stream)


def _say(text: bytes, stream: Stream | None, answer: Answer) -> None:
    if stream:
        stream.raw(gojson.dumps(answer.piece("PLACE")).replace(b"PLACE", text) + b"\n")
    else:
        answer.texts.append(text.decode("utf-8", "replace"))


def _truncate(connection: Connection, request: Request, stream: Stream | None, answer: Answer) -> NoReturn:
    if stream:
        stream.begin()
    else:
        body = gojson.dumps(answer.unfinished())
        connection.answer_part(request, body, missing=100)
    connection.drop()
    raise Ended


def _end_early(connection: Connection, request: Request, stream: Stream | None, answer: Answer) -> NoReturn:
    if stream:
        stream.end()
    else:
        connection.answer(request, 200, gojson.dumps(answer.unfinished()), content_type=JSON)
    raise Ended


def _say_error(fault: Fault, stream: Stream | None) -> NoReturn:
    text = fault.text or TEXTS[500]
    if not stream or not stream.has_begun:
        raise Refused(500, text, late=True)
    stream.line({"error": text})
    stream.end()
    raise Ended
