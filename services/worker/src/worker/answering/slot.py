"""A slot: claims a prompt, has it answered, finishes it, and claims the next."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from promptqueue.errors import ClaimLost, StorageUnavailable
from promptqueue.notes import Changed, Listener, Subscription
from promptqueue.prompt import Answered, Claim, Ending, ErrorCode, Failed, Prompt, PutBack, Terms
from promptqueue.storage import Storage

from worker.answering.call import Call, Stop
from worker.answering.lookout import Lookout
from worker.answering.watcher import Watcher
from worker.config import Config
from worker.drain import Drain
from worker.loop import Loop
from worker.ollama.call_end import CallEnd, EndKind, OllamaFailed
from worker.ollama.request import call_for, is_shaped, is_templated
from worker.server.gate import is_left, means
from worker.server.server import Server
from worker.server.verdict import Condition, Verdict, judge, too_long

IDLE_WAIT = 1.0  # seconds; wake-ups come at once, and this is for those that got lost

log = logging.getLogger(__name__)


class Slot(Loop):
    """One prompt at a time. In a call it does not turn: the watcher does."""

    def __init__(  # noqa: PLR0913 (handed in, each by its name)
        self,
        number: int,
        *,
        server: Server,
        watcher: Watcher,
        lookout: Lookout,
        listener: Listener,
        terms: Terms,
        config: Config,
        storage: Storage,
        drain: Drain,
    ) -> None:
        """Have prompts answered by `server`."""
        super().__init__(f"slot-{number}", storage=storage, drain=drain)
        self._server = server
        self._gate = server.gate
        self._ollama = server.client()
        self._watcher = watcher
        self._lookout = lookout
        self._listener = listener
        self.terms = replace(terms, server=server.name)
        """On which it claims; the worker may set others."""
        self._config = config
        self._subscription: Subscription | None = None

    def wake(self) -> None:
        """End a wait for prompts, or for the server."""
        self._gate.wake()
        if self._subscription:
            self._subscription.put(Changed(None))

    def _work(self) -> None:
        with self._listener.subscribe() as self._subscription:
            super()._work()

    def _turn(self) -> None:
        if not self._gate.may_claim(self, IDLE_WAIT):
            return
        try:
            claim = following = self._lookout.look(self._claim_first, patience=IDLE_WAIT)
            while following:
                following = self._answer(following)
        finally:
            self._gate.done(self)
        if self._subscription and (claim is None or self._gate.is_well):
            self._subscription.wait(IDLE_WAIT)

    def _answer(self, claim: Claim) -> Claim | None:
        """Have one prompt answered; the next claim, if there is one."""
        longest = self._config.prompt_timeout
        time_limit = min(claim.prompt.timeout or longest, longest)
        call = Call(claim, time_limit=time_limit, is_left=partial(is_left, self._gate))
        log.info("prompt claimed id=%s attempt=%d ollama=%s", claim.prompt.id, claim.attempt, self._server.name)
        try:
            match self._ask(call):
                case Stop.LOST:
                    _log_lost(claim)
                    return self._persist(self._claim_next)
                case Stop.DRAINED:
                    return self._persist(lambda: self._give_back(call, "the worker ends", "the worker was stopped"))
                case CallEnd() as end:
                    return self._settle(call, end)
        except Exception as error:
            # Whatever it is, it must cost this prompt alone, and an attempt of it: the loop goes on.
            log.exception("prompt met an unexpected error id=%s attempt=%d", claim.prompt.id, claim.attempt)
            reason = f"the worker met an unexpected error: {type(error).__name__}"
            return self._persist(lambda: self._finish(call, Failed(cause=reason), reason))

    def _ask(self, call: Call) -> Stop | CallEnd:
        path, body = call_for(call.claim.request, model=self._server.model, max_tokens=self._config.max_tokens)

        def on_text(text: str, offset: int) -> None:
            self._server.spoke()
            self._queue.stream_text(call.claim, text, offset=offset)

        self.turned_at = None
        try:
            with self._server.called(), self._watcher.watching(call):
                return call.run(self._ollama, path, body, on_text)
        finally:
            self._mark_turn()

    def _settle(self, call: Call, end: CallEnd) -> Claim | None:
        verdict = judge(end, lambda condition: self._holds(condition, call.claim))
        match verdict:
            case Verdict.SUCCESS:
                record = end.record or {}
                ending: Ending = Answered(record=call.answer.record(record), tokens=call.answer.tokens(record))
                self._gate.answered(call.claim.prompt.id)
            case Verdict.REFUSED:
                ending = Failed(cause=end.cause, code=ErrorCode.MODEL_REFUSED)
            case Verdict.TOO_LONG:
                ending = Failed(cause=too_long(end), code=ErrorCode.PROMPT_TOO_LONG)
            case Verdict.TIMED_OUT:
                ending = Failed(cause=end.cause, code=ErrorCode.TIMED_OUT)
            case Verdict.TOO_MUCH:
                ending = Failed(cause=end.cause, code=ErrorCode.ATTEMPTS_EXHAUSTED)
            case _:
                # Before anything is written, so that no other slot claims meanwhile.
                put_back = self._gate.ended(call.claim, end, verdict, who=self, claimed_at=call.started_at)
                if put_back is None:
                    return self._persist(lambda: self._give_back(call, end.for_log, end.cause))
                ending = put_back
        if end.kind is EndKind.NO_FIRST_BYTE:
            self._persist(lambda: self._finish(call, ending, end.for_log))
            self._unload()
            return None
        return self._persist(lambda: self._finish(call, ending, end.for_log, and_claim=True))

    def _finish(self, call: Call, ending: Ending, reason: str, *, and_claim: bool = False) -> Claim | None:
        """End the attempt, and claim the next prompt in the same commit: one wait for the disk instead of two.

        `reason` is for the log, where a cause may not stand: in Ollama's words there may be the prompt's.
        """
        claim, prompt = call.claim, None
        with self._queue.transaction():
            try:
                if isinstance(ending, Failed | PutBack) and (tail := call.answer.unwritten()):
                    self._queue.write(claim, tail.text, offset=tail.offset, tokens=tail.tokens)
                prompt = self._queue.finish(claim, ending)
            except ClaimLost:
                _log_lost(claim)
            following = self._claim_next() if and_claim else None
        if prompt:
            _log_end(call, prompt, ending, reason)
        return following

    def _claim_first(self) -> Claim | None:
        claim = self._queue.claim(self.terms)
        self._storage_is_well()
        return claim

    def _claim_next(self) -> Claim | None:
        return self._queue.claim(self.terms) if self._gate.may_go_on and not self._drain.has_begun else None

    def _give_back(self, call: Call, reason: str, shown: str) -> None:
        """Give the prompt back at no cost: `reason` is for the log, `shown` for whoever asked."""
        claim = call.claim
        try:
            self._queue.release(claim, reason=shown)
        except ClaimLost:
            _log_lost(claim)
        else:
            log.info("prompt given back id=%s attempt=%d reason=%r", claim.prompt.id, claim.attempt, reason)

    def _holds(self, condition: Condition, claim: Claim) -> bool:
        try:
            match condition:
                case Condition.UNREACHABLE:
                    self._ollama.version()
                    return False
                case Condition.UNLISTED:
                    return not self._ollama.lists(self._server.model)
                case Condition.SHAPED:
                    return is_shaped(claim.request)
                case Condition.TEMPLATED:
                    return is_templated(claim.request)
                case Condition.OTHERS_ANSWERED:
                    return means(self._gate, claim.prompt.id)
        except OllamaFailed:
            return True

    def _unload(self) -> None:
        try:
            self._ollama.unload(self._server.model)
        except OllamaFailed as failed:
            # It may be unloaded all the same: only nobody has said so in time.
            log.warning("unload not confirmed model=%s reason=%r", self._server.model, failed.end.cause)
        else:
            log.warning("model unloaded, for it said nothing model=%s", self._server.model)

    def _persist(self, verb: Callable[[], Claim | None]) -> Claim | None:
        """Do this however long the storage is away; the fence decides whether it still counts by then."""
        while True:
            self._mark_turn()
            try:
                following = verb()
            except StorageUnavailable as unavailable:
                self._storage_is_away(unavailable)
                if self._drain.is_over:
                    return None  # what is still claimed is recovered once this process is gone
            else:
                self._storage_is_well()
                return following


def _log_lost(claim: Claim) -> None:
    log.info("claim lost id=%s attempt=%d", claim.prompt.id, claim.attempt)


def _log_end(call: Call, prompt: Prompt, ending: Ending, reason: str) -> None:
    line = "prompt finished id=%s attempt=%d outcome=%s seconds=%.2f tokens=%d"
    values = [
        prompt.id,
        call.claim.attempt,
        prompt.outcome or "retried",
        time.monotonic() - call.started_at,
        ending.tokens if isinstance(ending, Answered) else call.answer.tokens_come,
    ]
    if isinstance(ending, Failed | PutBack):
        line += " failures=%d reason=%r"
        values += [prompt.failures, reason]
    log.info(line, *values)
