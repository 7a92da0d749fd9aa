"""A held call: the bytes that its client gets, from silence to the last one."""

import logging
import re
import time
from collections.abc import Generator, Iterator

from promptqueue.errors import PromptQueueError
from promptqueue.prompt import Outcome, Progress, Prompt, Status

from proxy.calls import errors
from proxy.calls.answer import Answer
from proxy.calls.bodies import to_json
from proxy.calls.errors import CallFailed
from proxy.calls.failure import Failure, Kind
from proxy.calls.holding.hold import DELETED, Hold, Left, Stopping
from proxy.calls.holding.patience import Patience
from proxy.calls.writer import Standing, Writer
from proxy.live.cursor import START, Cursor
from proxy.live.following import Ended, Event, Moved, Said, Silence
from proxy.live.live_prompt import Interest
from proxy.parts import Parts

HEARD_WITHIN = 0.1  # seconds in which a client takes up an error, before the cut may make it drop what it has not read
BLANK = b" "
NEXT_EVENT = re.compile(rb"(?<=\n\n)(?=event: )")  # where a named event follows another; what holds a text is escaped

ANEW = Failure(
    kind=Kind.FAILED,
    code="restarted",
    message="The prompt has to be answered anew, after some of its text had been sent.",
)

log = logging.getLogger(__name__)


class HeldCall:
    """An iterable of bytes for the server, each of them one chunk; the server closes it.

    What goes wrong before the first one is raised as CallFailed, so that it has its true status. Afterwards it ends
    with the protocol's error and a connection that is cut, for no single sign of the two is understood by every client.
    """

    interest = Interest.TEXT  # of places in line it tells when a byte is due
    stays_at_stop = True  # whether the same request, sent to the next process, may take the prompt up again

    def __init__(self, parts: Parts, hold: Hold, progress: Progress, writer: Writer, patience: Patience) -> None:
        """Begin with a prompt that was found to stand so."""
        self.standing = Standing(progress, parts.estimates.eta(progress.prompt, progress.position))
        self.is_over = False  # whether the prompt has ended
        self.has_begun = False  # whether the client has got a byte, and with it the status
        self.ahead: list[bytes] = []
        self._parts = parts
        self._hold = hold
        self._writer = writer
        self._patience = patience
        self._due = time.monotonic() + patience.first  # when a byte is
        self._sent = self._run()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """Wait for the next bytes."""
        if not self.ahead:
            self.wait()
        return self.ahead.pop()

    def wait(self) -> None:
        """Wait for the next bytes, and keep them `ahead`. Raises CallFailed where there will be none.

        It waits below no generator, for each of them takes its part of the stack, which a call keeps while it waits.
        """
        while not (piece := next(self._sent)):
            self._hold.wait(max(0.0, self._due - time.monotonic()))
        self.ahead.append(piece)

    def close(self) -> None:
        """Be read no more."""
        self._sent.close()
        self._hold.let_go(is_over=self.is_over)
        self._hold.close()

    def _run(self) -> Generator[bytes, None, None]:
        """Give what is to be sent, and `b""` where something has to happen first."""
        try:
            self._hold.follow(self.standing.progress, self._cursor, self.interest)
            while not self.is_over:
                for piece in filter(None, self._pieces()):
                    self.has_begun = True
                    yield piece
                    self._due = time.monotonic() + self._patience.between
                yield b""
        except Exception as error:
            self._end(error)
            if not self.has_begun:
                raise
            yield from self._last_words(error)

    def _events(self) -> Iterator[Event]:
        """Give what has happened, and a Silence if a byte is due."""
        for event in self._hold.events():
            if not isinstance(event, Silence):
                self.standing = Standing(event.snapshot.progress, event.snapshot.eta)
                yield event
        if time.monotonic() >= self._due:
            yield Silence()
            self._due = time.monotonic() + self._patience.between

    def _answer(self, event: Ended) -> Answer:
        """Read the answer of a prompt that has ended. Raises CallFailed where there is none."""
        self.is_over = True
        prompt = event.snapshot.progress.prompt
        if failure := errors.of_prompt(prompt):
            raise CallFailed(failure, prompt_id=prompt.id)
        record = self._parts.prompts.answer(prompt.id)
        if record is None:
            raise CallFailed(DELETED, prompt_id=prompt.id)
        return Answer(record, completed_at=prompt.completed_at)

    def _end(self, error: Exception) -> None:
        """Settle what becomes of the prompt, before the client is told."""
        if isinstance(error, CallFailed):
            error.prompt_id = self.standing.progress.prompt.id
        if isinstance(error, Stopping) and (self.stays_at_stop or not self.has_begun):
            self._hold.keep()
        else:
            self._hold.let_go(is_over=self.is_over)

    def _last_words(self, error: Exception) -> Iterator[bytes]:
        """End what has begun, so that nobody takes it for whole."""
        failure = self._failure(error)
        if isinstance(error, Left):
            self._hold.connection.cut()
        else:
            yield from self._break_off(failure)

    def _failure(self, error: Exception) -> Failure:
        if isinstance(error, CallFailed):
            return error.failure
        if isinstance(error, PromptQueueError):
            until = self._parts.estimates.until_a_place_is_free
            if failure := errors.of_queue(error, until_a_place_is_free=until):
                return failure
        log.error("call failed id=%s", self.standing.progress.prompt.id, exc_info=error)
        return errors.MISTAKE

    @property
    def _cursor(self) -> Cursor | None:
        return None

    def _pieces(self) -> Iterator[bytes]:
        """Give what is to be sent by now."""
        raise NotImplementedError

    def _break_off(self, failure: Failure) -> Iterator[bytes]:
        raise NotImplementedError


class WholeCall(HeldCall):
    """A call that is answered with one JSON document, which may have blanks before it."""

    interest = Interest.END

    def _pieces(self) -> Iterator[bytes]:
        for event in self._events():
            match event:
                case Silence():
                    yield BLANK
                case Ended():
                    yield to_json(self._writer.document(self._answer(event)))
                    return

    def _break_off(self, failure: Failure) -> Iterator[bytes]:  # noqa: ARG002 (no client reads it under a status 200)
        self._hold.connection.cut()
        yield from ()


class StreamedCall(HeldCall):
    """A call that is answered piece by piece."""

    stays_at_stop = False  # no client sends a stream again that has begun

    def __init__(  # noqa: PLR0913 (the last two are by name)
        self,
        parts: Parts,
        hold: Hold,
        progress: Progress,
        writer: Writer,
        patience: Patience,
        *,
        cursor: Cursor = START,
        has_status: bool = False,
    ) -> None:
        """Go on from `cursor`; `has_status` where it is too late for another one."""
        super().__init__(parts, hold, progress, writer, patience)
        self.has_begun = has_status
        self._said = cursor  # up to where the client has the text
        self._told: tuple[object, ...] | None = None  # where the client knows its prompt to stand, once it is open

    @property
    def _cursor(self) -> Cursor | None:
        return self._said if self._said.offset else None

    def _pieces(self) -> Iterator[bytes]:
        for written in self._written():
            yield from NEXT_EVENT.split(written)

    def _written(self) -> Iterator[bytes]:
        if self._writer.speaks_at_once or self.has_begun:
            yield from self._opening()
        for event in self._events():
            match event:
                case Silence():
                    yield from self._opening()
                    yield self._writer.beat(self.standing)
                case Moved():
                    self._check(event.snapshot.progress.prompt)
                    yield from self._moved()
                case Said():
                    yield from self._text(event)
                case Ended():
                    answer = self._answer(event)
                    prompt = event.snapshot.progress.prompt
                    self._check(prompt)
                    yield from self._opening()
                    yield from self._writer.ending(answer, attempt=prompt.attempt)
                    return

    def _opening(self) -> Iterator[bytes]:
        if self._told is None:
            self._told = self.standing.place
            yield self._writer.opening(self.standing)

    def _moved(self) -> Iterator[bytes]:
        if self._told not in (None, self.standing.place) and not self.standing.is_over:
            self._told = self.standing.place
            yield self._writer.moved(self.standing)

    def _text(self, event: Said) -> Iterator[bytes]:
        snapshot = event.snapshot
        prompt = snapshot.progress.prompt
        self._check(prompt)
        is_lost = snapshot.attempt < prompt.attempt or prompt.status is Status.QUEUED
        is_vain = not self.has_begun and snapshot.is_over and prompt.outcome is not Outcome.SUCCEEDED
        if is_lost or is_vain:
            return
        yield from self._opening()
        self._said = event.cursor
        yield self._writer.text(event.text, attempt=snapshot.attempt, offset=event.start)

    def _check(self, prompt: Prompt) -> None:
        """Raise CallFailed where text was sent that is no longer the answer's: it cannot be taken back."""
        if self._said.offset and (prompt.attempt > self._said.attempt or prompt.status is Status.QUEUED):
            raise CallFailed(ANEW)

    def _break_off(self, failure: Failure) -> Iterator[bytes]:
        yield from NEXT_EVENT.split(self._writer.failure(failure, attempt=self.standing.progress.prompt.attempt))
        time.sleep(HEARD_WITHIN)
        self._hold.connection.cut()  # of HTTP/1.0, which has no chunks, this is the usual end
