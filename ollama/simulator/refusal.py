"""Answering what is refused."""

from .errors import Refused
from .request import Request
from .wire import JSON, Connection


def refuse_and_close(connection: Connection, request: Request, status: int) -> None:
    """Answer with an empty body what cannot be understood, and be done with the connection."""
    request.headers.insert(0, ("connection", "close"))
    connection.answer(request, status, headers=[("Connection", "close")])


def answer_refusal(connection: Connection, request: Request, problem: Refused, *, streams: bool = False) -> None:
    """Answer an error; a stream's late one is chunked and says no charset."""
    if problem.text is None:
        connection.answer(request, problem.status)
    elif problem.late and streams:
        connection.answer_json(
            request, problem.status, {"error": problem.text}, content_type="application/json", chunked=True
        )
    else:
        connection.answer_json(request, problem.status, {"error": problem.text}, content_type=JSON)
