"""/_simulator: what was seen, what is set, and what is to go wrong."""

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from . import gojson
from .errors import Malformed, NotUnderstood, Refused
from .faults import Faults, Kind, read_fault
from .request import Request
from .script import Script, read_line
from .settings import as_json, changed
from .wire import Connection

if TYPE_CHECKING:
    from .server import Server

PATH = "/_simulator"
WAITS = ("received", "loaded", "started", "first_byte", "tokens", "ended")


class Control:
    """The control endpoint of one server."""

    def __init__(self, server: "Server") -> None:
        self._server = server

    def handle(self, connection: Connection, request: Request) -> None:
        """Answer one request.

        Raises:
            Refused: 400, 404, 405 or, when a wait was too long, 408.
        """
        body = connection.body(request)
        try:
            given = gojson.loads(body) if body.strip() else {}
            answer = self._answer(request, given)
        except (Malformed, NotUnderstood, ValueError, TypeError) as problem:
            raise Refused(400, str(problem)) from None
        connection.answer_json(request, 200, answer)

    def _answer(self, request: Request, given: Any) -> Any:  # noqa: C901, PLR0911 (the table of the paths)
        match request.method, request.path.removeprefix(PATH).strip("/").split("/"):
            case "GET", [""]:
                return self._state()
            case "DELETE", [""]:
                self._server.reset()
                return self._state()
            case "GET", ["settings"]:
                return as_json(self._server.settings)
            case (("PUT" | "POST" | "PATCH"), ["settings"]):
                self._server.apply(changed(self._server.settings, given))
                return as_json(self._server.settings)
            case "GET", [("faults" | "answers") as name]:
                return self._told(name).as_json()
            case (("PUT" | "POST"), ["faults"]):
                return self._add_faults(given)
            case (("PUT" | "POST"), ["answers"]):
                self._server.script.add(*(read_line(each) for each in _listed(given)))
                return self._server.script.as_json()
            case "DELETE", [("faults" | "answers") as name]:
                self._told(name).clear()
                return []
            case "GET", ["calls"]:
                return self._calls(_query(request))
            case "GET", ["calls", number]:
                return self._call(int(number), _query(request))
            case _:
                raise Refused(404, "/_simulator knows settings, faults, answers, calls and calls/<number>")

    def _state(self) -> dict[str, Any]:
        server = self._server
        return {
            "settings": as_json(server.settings),
            "faults": server.faults.as_json(),
            "answers": server.script.as_json(),
            "calls": server.record.total,
            "others": dict(server.record.others),
            "connections": server.connections(),
            "models": server.store.names(),
            "loaded": [each["name"] for each in server.scheduler.loaded()["models"]],
            "monotonic": time.monotonic(),
            "time": time.time(),
        }

    def _told(self, name: str) -> Faults | Script:
        return self._server.faults if name == "faults" else self._server.script

    def _add_faults(self, given: Any) -> list[dict[str, Any]]:
        faults = [read_fault(each) for each in _listed(given)]
        for fault in faults:
            if fault.kind is Kind.REFUSE:
                self._server.refuse(fault.seconds or 0.0)
            else:
                self._server.faults.add(fault)
        return self._server.faults.as_json()

    def _calls(self, query: dict[str, str]) -> list[dict[str, Any]]:
        if "wait" in query:
            self._wait(query, None)
        return self._server.record.calls()

    def _call(self, number: int, query: dict[str, str]) -> dict[str, Any]:
        if "wait" in query:
            self._wait(query, number)
        call = self._server.record.find(number)
        if call is None:
            raise Refused(404, f"there is no call {number}")
        return vars(call)

    def _wait(self, query: dict[str, str], number: int | None) -> None:
        what, count, timeout = query["wait"], int(query.get("count", "1")), float(query.get("timeout", "10"))
        if what not in WAITS or (what == "tokens" and number is None):
            raise Refused(400, f"`wait` is one of {', '.join(WAITS)}; tokens for one call only")
        if not self._server.record.wait_for(what, count, timeout, number):
            raise Refused(408, f"not within {timeout:g} s")


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _query(request: Request) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(request.query).items()}
