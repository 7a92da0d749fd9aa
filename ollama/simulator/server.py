"""The server: it listens, gives each connection a thread, and each request to its endpoint."""

import contextlib
import os
import select
import socket
import threading
import time
from http import HTTPStatus
from pathlib import Path

from . import misbehaviour, origin
from .answer import Answer
from .bell import Bell
from .control import PATH as CONTROL
from .control import Control
from .errors import BadHead, ClientGone, Refused
from .faults import Faults
from .fields import load, read_fields
from .generation import Generation, check_load, find_model
from .misbehaviour import Ended
from .models import Store
from .name import parse_name
from .pull import Pull
from .question import Question, read_question
from .record import Call, Record
from .refusal import answer_refusal, refuse_and_close
from .request import Request
from .routes import route
from .scheduler import Scheduler
from .script import Script
from .settings import Settings
from .wire import Connection

NO_JSON = frozenset(set(range(256)) - set(b' \t\r\n{["-0123456789tfn'))


class Server:
    """One simulated Ollama."""

    def __init__(
        self, settings: Settings, *, host: str = "127.0.0.1", port: int = 11434, journal: Path | None = None
    ) -> None:
        self.settings = self._initial = settings
        self.store = Store(settings.models, settings.broken)
        self.scheduler = Scheduler(lambda: self.settings)
        self.record = Record(journal)
        self.faults = Faults()
        self.script = Script()
        self._control = Control(self)
        self._open: set[Connection] = set()
        self._listener = _listen(host, port)
        self.host, self.port = self._listener.getsockname()[:2]
        self.bell = Bell()
        self._refusing_until = 0.0

    def serve(self) -> None:
        """Answer until the process ends."""
        poller = select.poll()
        poller.register(self.bell.reading, select.POLLIN)
        poller.register(self._listener, select.POLLIN)
        while True:
            poller.poll()
            refusing = self._refusing_until - time.monotonic()
            if refusing > 0:
                poller.unregister(self._listener)
                self._listener.close()
                self._drop(only_idle=True)
                time.sleep(refusing)
                self._listener = _listen(self.host, self.port)
                poller.register(self._listener, select.POLLIN)
            self.bell.hush()
            self._accept()

    def refuse(self, seconds: float) -> None:
        """Do not listen for so long; idle connections are closed, running answers go on."""
        self._refusing_until = time.monotonic() + seconds
        self.bell.ring()

    def apply(self, settings: Settings) -> None:
        """Be as these settings say from now on."""
        before, self.settings = self.settings, settings
        if (before.models, before.broken) != (settings.models, settings.broken):
            self.store.replace(settings.models, settings.broken)
        self.scheduler.regrant()

    def reset(self) -> None:
        """Be as at the start: nothing told, no calls, nothing loaded; answers that are under way are cut off."""
        self.faults.clear()
        self.script.clear()
        self._drop(only_idle=False)
        self.settings = self._initial
        self.store.reset(self._initial.models, self._initial.broken)
        self.scheduler.unload_all()
        self.record.clear()

    def connections(self) -> dict[str, int]:
        """How many are open, and on how many of them a request is being answered."""
        opened = list(self._open)
        return {"open": len(opened), "busy": sum(not each.is_idle for each in opened)}

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:  # nobody there, or there no more
            return
        sock.setblocking(True)
        connection = Connection(sock)
        self._open.add(connection)
        threading.Thread(target=self._attend, args=(connection,), daemon=True).start()

    def _drop(self, *, only_idle: bool) -> None:
        for connection in list(self._open):
            if connection.is_idle if only_idle else connection.answers:
                connection.hang_up()

    def _attend(self, connection: Connection) -> None:
        try:
            while request := connection.next_request():
                self._answer(connection, request)
                if request.closes or connection.is_closed:
                    break
        except BadHead as problem:
            with contextlib.suppress(ClientGone):
                connection.refuse_head(problem)
        except (ClientGone, ValueError):
            pass
        finally:
            self._open.discard(connection)
            connection.close()

    def _answer(self, connection: Connection, request: Request) -> None:
        try:
            if request.method == "PRI":
                refuse_and_close(connection, request, 400)
            elif self._greet(connection, request):
                if request.path.startswith(CONTROL):
                    self._control.handle(connection, request)
                elif not self._stand_before(connection, request):
                    self._dispatch(connection, request)
        except Refused as problem:
            answer_refusal(connection, request, problem)

    def _greet(self, connection: Connection, request: Request) -> bool:
        """Settle Expect, Origin and preflight; True when the request is to be answered."""
        expected = request.header("expect")
        if expected and expected.lower() != "100-continue":
            refuse_and_close(connection, request, 417)
            return False
        page = request.header("origin")
        if page is None:
            return True
        elsewhere = route(request)
        headers = elsewhere.headers if elsewhere and request.method == "OPTIONS" else ()
        if not origin.is_allowed(page):
            connection.answer(request, 403, headers=headers)
            return False
        if request.method == "OPTIONS":
            connection.answer(request, 204, headers=[*headers, *origin.preflight_headers(page)])
            return False
        request.cors = origin.headers_for(page)
        return True

    def _stand_before(self, connection: Connection, request: Request) -> bool:
        """Answer as a gateway in front does that lets nothing through; whether there is one."""
        settings = self.settings
        if not settings.gateway_status or not request.path.startswith(settings.gateway_path):
            return False
        self.record.other(f"gateway {request.method} {request.path}")
        title = f"{settings.gateway_status} {HTTPStatus(settings.gateway_status).phrase}"
        page = f"<html>\n<head><title>{title}</title></head>\n<body><h1>{title}</h1></body>\n</html>\n"
        seconds = settings.gateway_retry_after
        headers = [("Retry-After", f"{seconds:g}")] if seconds else []
        connection.body(request)
        connection.answer(request, settings.gateway_status, page.encode(), content_type="text/html", headers=headers)
        return True

    def _dispatch(self, connection: Connection, request: Request) -> None:
        fault = self.faults.take_at(request.path)
        try:
            if fault:
                self.record.other(f"{request.method} {request.path}")
                misbehaviour.on_request(fault, connection, request)
            self._serve(connection, request)
        except Ended:
            pass

    def _serve(self, connection: Connection, request: Request) -> None:  # noqa: C901 (the table of the endpoints)
        elsewhere = route(request)
        if elsewhere:
            connection.answer(
                request,
                elsewhere.status,
                elsewhere.body,
                content_type=elsewhere.content_type,
                headers=elsewhere.headers,
            )
            return
        if request.path not in ("/api/generate", "/api/chat"):
            self.record.other(f"{request.method} {request.path}")
        match request.path:
            case "/":
                connection.answer(request, 200, b"Ollama is running", content_type="text/plain; charset=utf-8")
            case "/api/version":
                connection.answer_json(request, 200, {"version": self.settings.version})
            case "/api/tags":
                connection.answer_json(request, 200, self.store.tags())
            case "/api/ps":
                connection.answer_json(request, 200, self.scheduler.loaded())
            case "/api/status":
                connection.answer_json(request, 200, {"cloud": {"disabled": True, "source": "env"}})
            case "/api/show":
                given = read_fields(load(connection.body(request, hopeless=NO_JSON)), "ShowRequest")
                connection.answer_json(request, 200, self.store.show(given.get("model") or given.get("name") or ""))
            case "/api/pull":
                body = connection.body(request, hopeless=NO_JSON)
                Pull(connection, request, self.store, lambda: self.settings).run(body)
            case "/api/delete":
                self._delete(connection, request)
            case _:
                self._converse(connection, request)

    def _delete(self, connection: Connection, request: Request) -> None:
        given = read_fields(load(connection.body(request, hopeless=NO_JSON)), "DeleteRequest")
        text = given.get("model") or given.get("name") or ""
        if not text:
            raise Refused(400, 'name "" is invalid')
        if not self.store.remove(parse_name(text)):
            raise Refused(404, f"model '{text}' not found")
        connection.answer(request, 200)

    def _converse(self, connection: Connection, request: Request) -> None:
        body = load(connection.body(request, hopeless=NO_JSON))
        question = read_question(body, is_chat=request.path == "/api/chat")
        if question.is_empty:
            self._load_or_unload(connection, request, question)
            return
        call = self.record.open(request.path, body, dict(request.headers))
        connection.answers = True
        try:
            self._generate(connection, request, question, call)
        finally:
            connection.answers = False

    def _generate(self, connection: Connection, request: Request, question: Question, call: Call) -> None:
        end = "client_closed"
        try:
            end = Generation(
                connection=connection,
                request=request,
                question=question,
                call=call,
                settings=self.settings,
                store=self.store,
                scheduler=self.scheduler,
                record=self.record,
                faults=self.faults,
                script=self.script,
            ).run()
        except Ended:
            end = "fault"
        except Refused as problem:
            call.status = problem.status
            end = "fault" if call.fault else "refused"
            answer_refusal(connection, request, problem, streams=question.streams)
        finally:
            self.record.close(call, end)

    def _load_or_unload(self, connection: Connection, request: Request, question: Question) -> None:
        model = find_model(self.store, question)
        self.record.other("unload" if question.unloads else "load")
        answer = Answer(question=question)
        if question.unloads:
            self.scheduler.unload(model)
            connection.answer_json(request, 200, answer.loaded("unload"))
            return
        question.check()
        options = question.options(self.settings)
        check_load(self.settings)
        visit = self.scheduler.admit(connection, model, options.shape, question.keep_alive, wants_slot=False)
        visit.leave()
        connection.answer_json(request, 200, answer.loaded("load"))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1024)
    listener.setblocking(False)
    return listener
