"""/api/generate and /api/chat: from the call's body to the end of its answer."""

import math
import time
from collections.abc import Iterator
from typing import Any

from . import gojson, hostile, misbehaviour
from .answer import Answer
from .errors import Refused
from .faults import AT_ARRIVAL, AT_THE_END, Faults, Kind
from .models import Model, Store
from .options import SMALLEST_CONTEXT, Options
from .prompt import kept_of, token_ids
from .question import Question
from .record import Call, Record
from .request import Request
from .scheduler import Scheduler, Visit
from .schema import Unreadable, example
from .script import Script
from .settings import Settings
from .text import answer_to, json_answer_to, tokens_of, tool_call_for
from .wire import JSON, Connection

VOCABULARY = 128_256  # tokens that llama3.2 has
# These two are refused with these statuses; the words were not recorded.
NO_SUCH_TOKEN = "context holds tokens that the model does not have"  # noqa: S105 (a token of text)
NO_PENALTY = "repeat_penalty must not be 0"
TOO_LONG = (
    "the prompt is longer than the context length currently available to the model; shorten the prompt, adjust the "
    "context length in settings, or use a model with a longer context length"
)


class Generation:
    """One call that asks for an answer."""

    def __init__(  # noqa: PLR0913 (what a call touches)
        self,
        *,
        connection: Connection,
        request: Request,
        question: Question,
        call: Call,
        settings: Settings,
        store: Store,
        scheduler: Scheduler,
        record: Record,
        faults: Faults,
        script: Script,
    ) -> None:
        self._connection = connection
        self._request = request
        self._question = question
        self._call = call
        self._settings = settings
        self._store = store
        self._scheduler = scheduler
        self._record = record
        self._fault = faults.take(question.all_text)
        self._script = script
        self._answer = Answer(question=question)
        self._stream = connection.stream(request) if question.streams else None

    def run(self) -> str:
        """Answer, and say how it ended: `finished` or `fault`.

        Raises:
            Refused, ClientGone, misbehaviour.Ended
        """
        if self._fault:
            self._call.fault = self._fault.kind
            misbehaviour.on_arrival(self._fault, self._connection, self._request, self._store, self._question)
        model = find_model(self._store, self._question)
        self._question.check()
        options = self._question.options(self._settings)
        check_load(self._settings)
        load_time = self._fault.seconds or 0.0 if self._fault and self._fault.kind is Kind.SLOW_LOAD else None
        visit = self._scheduler.admit(
            self._connection, model, options.shape, self._question.keep_alive, load_time=load_time
        )
        try:
            self._record.mark(self._call, "loaded")
            self._answer.load_duration = _nanoseconds_since(self._request.started)
            rendered = self._question.rendered(options.num_ctx, self._settings.bytes_per_token)
            if self._question.given.get("_debug_render_only"):
                self._connection.answer_json(self._request, 200, self._answer.rendered(rendered))
                return "finished"
            visit.wait_for_slot()
            self._record.mark(self._call, "started")
            self._speak(visit, rendered, options)
        finally:
            visit.leave()
        is_fault = self._fault is not None and self._fault.kind is not Kind.SLOW_LOAD
        return "fault" if is_fault else "finished"

    def _speak(self, visit: Visit, rendered: str, options: Options) -> None:
        began = time.monotonic()
        text, limit = self._prepare(rendered, options)
        self._connection.wait(self._settings.prompt_time)
        self._misbehave_at(0, visit)
        first = time.monotonic()
        self._answer.prompt_eval_duration = _microseconds(first - began)
        reason = self._say(text, limit, options.stop, visit) if text or not self._answer.tool_calls else "stop"
        if self._answer.tool_calls:
            self._say_tool_calls()
            if not text:
                self._misbehave_at(None, visit)
        self._answer.eval_duration = _microseconds(time.monotonic() - first)
        self._answer.context += token_ids("".join(self._answer.texts), self._settings.bytes_per_token)
        self._answer.total_duration = _nanoseconds_since(self._request.started)
        visit.leave()  # before the last line, so that who has read it finds the slot free and keep_alive 0 obeyed
        self._end(reason)

    def _prepare(self, rendered: str, options: Options) -> tuple[str, float]:
        """The text to say and the most tokens of it; what is refused only now is refused."""
        question, answer, num_ctx = self._question, self._answer, options.num_ctx
        text = self._settings.text or answer_to(question.last_text)
        if num_ctx <= SMALLEST_CONTEXT:
            text = ""  # the real model has no room for a thought there
        if question.format is not None:
            text = formatted(question)
        if any(not 0 <= each < VOCABULARY for each in question.given.get("context", ())):
            raise Refused(500, NO_SUCH_TOKEN, late=True)
        if options.repeat_penalty == 0:
            raise nested_error(NO_PENALTY, "invalid_request_error")
        if question.has_images:
            message = "Multimodal data provided, but model does not support multimodal requests."
            raise nested_error(message, "invalid_request_error")
        answer.context = list(question.given.get("context", ())) + token_ids(rendered, self._settings.bytes_per_token)
        count = len(answer.context) + 1
        if count >= num_ctx:
            self._check_length(count, num_ctx)
        answer.prompt_eval_count = kept_of(count, num_ctx)
        limit = min(options.num_predict if options.num_predict > 0 else math.inf, 10 * num_ctx)
        if question.given.get("shift") is False:
            limit = min(limit, num_ctx - answer.prompt_eval_count)
        if told := self._script.take(question):
            text, answer.tool_calls = told.text, told.calls(question)
        elif call := tool_call_for(question.last_text, question.tools):
            text, answer.tool_calls = "", [call]
        return text, limit

    def _check_length(self, count: int, num_ctx: int) -> None:
        if self._question.given.get("truncate") is False:
            size = f"({num_ctx} tokens), try increasing it"
            message = f"request ({count} tokens) exceeds the available context size {size}"
            raise nested_error(message, "exceed_context_size_error", n_prompt_tokens=count, n_ctx=num_ctx)
        if self._question.given.get("shift") is False:
            raise Refused(400, TOO_LONG, late=True)

    def _say(self, text: str, limit: float, stops: tuple[str, ...], visit: Visit) -> str:
        """Say it at the pace that is set, and return why it ended."""
        held, made, start = "", 0, time.monotonic()
        for piece in self._paced(text, start):
            if made:
                self._misbehave_at(made, visit)
            if made >= limit:
                self._emit(held)
                return "length"
            made += 1
            self._answer.eval_count = made
            held += piece
            found = min((at for stop in stops if (at := held.find(stop)) >= 0), default=-1)
            if found >= 0:
                self._emit(held[:found])
                return "stop"
            if not any(_may_begin(held, stop) for stop in stops):
                self._emit(held)
                held = ""
            self._record.token(self._call)
        self._emit(held)
        self._misbehave_at(None, visit)
        if made >= limit:
            return "length"
        self._answer.eval_count = made + 1
        return "stop"

    def _paced(self, text: str, start: float) -> Iterator[str]:
        for number, piece in enumerate([*tokens_of(text), ""]):
            pace = self._settings.pace
            self._connection.wait(max(0.0, start + number * pace - time.monotonic()) if pace else 0)
            if piece:
                yield piece

    def _emit(self, text: str) -> None:
        if not text:
            return
        self._answer.texts.append(text)
        if self._stream:
            self._line(self._answer.piece(text))

    def _say_tool_calls(self) -> None:
        self._answer.eval_count += 1 + len(gojson.dumps(self._answer.tool_calls)) // 4
        if self._stream:
            self._line(self._answer.piece("", self._answer.tool_calls))

    def _line(self, record: dict[str, Any]) -> None:
        self._raw(gojson.dumps(record))

    def _raw(self, record: bytes) -> None:
        if self._stream:
            is_first = not self._stream.has_begun
            self._stream.raw(record + b"\n")
            if is_first:
                self._record.mark(self._call, "first_byte")

    def _end(self, reason: str) -> None:
        self._call.status = 200
        last = self._answer.last(reason, whole=self._stream is None)
        self._record.answers(self._call, last["created_at"])
        body = hostile.last_record(self._fault, gojson.dumps(last))
        if self._stream:
            self._raw(body)
            self._stream.end()
        else:
            self._connection.answer(self._request, 200, body, content_type=JSON)
            self._record.mark(self._call, "first_byte")

    def _misbehave_at(self, made: int | None, visit: Visit) -> None:
        """Do what is due after so many tokens; None: there are no more."""
        fault = self._fault
        if fault is None or fault.kind in AT_ARRIVAL | AT_THE_END or (made is not None and made != fault.tokens):
            return
        if made is None and self._answer.eval_count > fault.tokens:
            return
        visit.hangs = fault.seconds is None and fault.kind in _HANGING
        self._call.status = 200
        misbehaviour.on_answer(fault, self._connection, self._request, self._stream, self._answer)


_HANGING = (Kind.HANG_BEFORE_FIRST_TOKEN, Kind.HANG_BETWEEN_TOKENS)


def find_model(store: Store, question: Question) -> Model:
    """The model that is asked.

    Raises:
        Refused: none of that name, or its weights are unreadable.
    """
    model = store.find(question.name())
    if model is None:
        raise Refused(404, f"model '{question.model}' not found")
    if model.is_broken:
        raise Refused(400, f'"{question.model}" does not support {"chat" if question.is_chat else "generate"}')
    return model


def check_load(settings: Settings) -> None:
    """Load the model as far as that can fail.

    Raises:
        Refused: it does.
    """
    if settings.load_error:
        raise Refused(500, settings.load_error, late=True)


def formatted(question: Question) -> str:
    """A text in the format that is asked for.

    Raises:
        Refused: 500 for what is no format, 400 for a schema that cannot be used.
    """
    if question.format in ("json", {}):
        return json_answer_to(question.last_text)
    if not isinstance(question.format, dict):
        sent = gojson.dumps(gojson.dumps(question.format).decode()).decode()
        raise Refused(500, f'invalid format: {sent}; expected "json" or a valid JSON Schema object', late=True)
    try:
        return gojson.dumps(example(question.format)).decode()
    except Unreadable as problem:
        words = (
            f"Field 'json_schema': \"json_schema\": JSON schema conversion failed:\nJSON schema error at #: {problem}"
        )
        raise nested_error(words, "invalid_request_error") from None


def nested_error(message: str, kind: str, **more: int) -> Refused:
    """An error of llama-server's own, which Ollama hands on as JSON in a string."""
    error = {"code": 400, "message": message, "type": kind} | more
    return Refused(400, gojson.dumps({"error": error}).decode(), late=True)


def _may_begin(text: str, stop: str) -> bool:
    return any(text.endswith(stop[:size]) for size in range(1, len(stop)))


def _nanoseconds_since(moment: float) -> int:
    return int((time.monotonic() - moment) * 1e9)


def _microseconds(seconds: float) -> int:
    """As nanoseconds; llama-server measures no finer than a microsecond, and tells no less than one."""
    return max(1, int(seconds * 1e6)) * 1000
