"""A held response: it waits where it is sent, when whatever the request was read into is no longer needed."""

from collections.abc import Iterable, Iterator, Mapping
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Response
from flask.globals import app_ctx

from proxy.calls.holding.call import HeldCall
from proxy.serving.headers import JSON, served_by


class HeldResponse(Response):
    """A call's answer, whose status is held back until it is known, or the client's patience is at its end.

    What fails by then is answered as if it had been raised where the request was served.
    """

    def __init__(self, call: HeldCall, *, headers: Mapping[str, str], stream_type: str | None) -> None:
        """Hold this call; it is answered with one document of JSON where `stream_type` is None."""
        kind = stream_type or JSON
        super().__init__(call, headers={**of_prompt(call), **headers}, content_type=kind, direct_passthrough=True)
        self._call = call
        self._is_document = stream_type is None
        self._app = app_ctx.app
        self._server: tuple[WSGIEnvironment, StartResponse]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Give what waits once the server reads it; Flask, which calls this, has let go of the request by then."""
        self._server = environ, start_response
        return self

    def __iter__(self) -> Iterator[bytes]:
        """Wait, and begin to answer."""
        try:
            self._call.wait()
        except Exception as error:  # noqa: BLE001 (the face's handlers see to it)
            self._call.close()
            self.response = ()  # which the server closes in its stead
            with self._app.request_context(self._server[0]):
                failed = self._app.finalize_request(self._app.handle_user_exception(error))
                return iter(failed(*self._server))
        self.headers.extend(of_place(self._call))
        if self._is_document and self._call.is_over:
            self.headers["Content-Length"] = str(sum(map(len, self._call.ahead)))
            self.headers.extend(served_by(self._call.standing.progress.prompt.server))
        return iter(super().__call__(*self._server))


def of_prompt(call: HeldCall) -> dict[str, str]:
    """Give the headers of every call whose prompt was accepted."""
    # Else a front server such as nginx would keep what it gets until it has enough of it.
    return {"X-Prompt-Id": call.standing.progress.prompt.id, "X-Accel-Buffering": "no"}


def of_place(call: HeldCall) -> dict[str, str]:
    """Give the headers that say where a prompt stands, as long as it waits."""
    if call.standing.progress.position is None:
        return {}
    headers = {"X-Queue-Position": str(call.standing.progress.position)}
    if call.standing.eta_seconds is not None:
        headers["X-Queue-ETA"] = str(round(call.standing.eta_seconds))
    return headers
