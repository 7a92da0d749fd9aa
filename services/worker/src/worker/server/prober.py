"""The prober: asks a server how it is and what it is, keeps its model installed, and opens and shuts its gate."""

import logging
import time
from contextlib import suppress

from promptqueue.condition import ModelState
from promptqueue.logs import Once
from promptqueue.storage import Storage

from worker.drain import Drain
from worker.loop import Loop
from worker.ollama.call_end import CallEnd, EndKind, OllamaFailed
from worker.ollama.client import Ollama
from worker.server.bulletin import Bulletin
from worker.server.gate import Hold, Report, ask_every
from worker.server.inquiry import Inquiry
from worker.server.puller import Puller
from worker.server.server import Server
from worker.server.verdict import Condition, Verdict, judge

ASK_IDLE_EVERY = 15.0  # seconds, while all is well and nobody calls: a call that fails tells at once
ASK_BUSY_EVERY = 5.0  # seconds, while somebody calls, or one prompt after the other fails
ASK_AGAIN_AFTER = 1.0  # seconds, where a call may be why there was no answer
TURN_EVERY = 5.0  # seconds
PROCESSOR_EVERY = 10.0  # seconds
MEND_EVERY = 60.0  # seconds between two downloads of files that are broken

log = logging.getLogger(__name__)


class Prober(Loop):
    """The loop of one server."""

    def __init__(  # noqa: PLR0913 (handed in, each by its name)
        self,
        number: int,
        *,
        server: Server,
        ollama: Ollama,
        may_pull: bool,
        worker: str,
        storage: Storage,
        drain: Drain,
    ) -> None:
        """Ask `server` through `ollama`, and have it download its model when that is missing and it `may_pull`."""
        super().__init__(f"prober-{number}", storage=storage, drain=drain)
        self._server = server
        self._gate = server.gate
        self._ollama = ollama
        self._ollama.meanwhile = self._mark_turn
        self._bulletin = Bulletin(server.model, worker=worker, server=server.name)
        self._puller = Puller(ollama, server.model, is_allowed=may_pull)
        self._inquiry = Inquiry(ollama, server.model)
        self._asked_at = float("-inf")
        self._has_missed = False  # an answer to the last question, beside a call
        self._processor: str | None = None  # what the model runs on: cpu, gpu or mixed
        self._processor_at = float("-inf")
        self._unexpected = Once(log)

    def wake(self) -> None:
        """End its wait."""
        self._gate.changed.set()

    def _work(self) -> None:
        super()._work()
        while self._gate.admitted:  # the worker is to end, and holds ever fewer slots
            self._mark_turn()
            self._gate.changed.wait(TURN_EVERY)
            self._gate.changed.clear()
            self._publish(self._gate.report)

    def _turn(self) -> None:
        self._gate.changed.clear()
        now = time.monotonic()
        try:
            if self._ask_at() <= now:
                self._asked_at = now
                hold = self._gate.hold
                self._look(hold) if hold else self._watch()
                self._unexpected.well()
            self._learn_processor()
            if self._gate.is_well and self._inquiry.is_due:
                self._publish(self._gate.report)  # first of all that it is ready
                self._inquiry.ask()
        except Exception as error:  # noqa: BLE001 (logged: whatever the server said must not end the process)
            reason = f"the worker met an unexpected error: {type(error).__name__}"
            self._unexpected.complain(
                logging.ERROR, "model met an unexpected error model=%s", self._server.model, exc_info=True
            )
            self._gate.shut(Verdict.AWAY, reason)
        self._publish(self._gate.report)
        if not self._drain.has_begun:
            self._gate.changed.wait(max(0.0, min(self._ask_at() - time.monotonic(), TURN_EVERY)))

    def _publish(self, report: Report) -> None:
        processor, facts = self._processor, self._inquiry.facts
        self._bulletin.publish(self._queue, report, processor=processor, facts=facts, slots=self._gate.admits)

    def _ask_at(self) -> float:
        """When the server is to be asked how it is."""
        hold = self._gate.hold
        if hold:
            # No growing pauses, or prompts would wait for nobody.
            return max(max(self._asked_at, hold.since) + ask_every(hold.since), hold.ask_at)
        is_idle = self._gate.is_well and not self._server.is_called
        return self._asked_at + (ASK_IDLE_EVERY if is_idle else ASK_AGAIN_AFTER if self._has_missed else ASK_BUSY_EVERY)

    def _watch(self) -> None:
        """See that a server which is well has not gone or lost its model."""
        asked_at = time.monotonic()
        try:
            is_installed = self._ollama.lists(self._server.model)
        except OllamaFailed as failed:
            # A server that is answering may be slow to say so.
            if self._server.is_called and (self._server.has_spoken_since(asked_at) or not self._has_missed):
                self._has_missed = True
            else:
                self._is_not_well(failed.end)
        else:
            self._has_missed = False
            if not is_installed:
                self._gate.shut(Verdict.MISSING, "it is not installed any more")

    def _look(self, hold: Hold) -> None:
        """See whether the server is well again, and do what helps."""
        self._inquiry.begin_anew()
        try:
            self._ollama.version()
            is_installed = self._ollama.lists(self._server.model)
        except OllamaFailed as failed:
            self._is_not_well(failed.end)
            return
        if not is_installed:
            self._install(hold)
        elif hold.verdict is Verdict.STORE_BROKEN:
            self._mend(hold)
        elif hold.by_load:
            self._load(hold)
        else:
            self._gate.reopen(hold)

    def _is_not_well(self, end: CallEnd) -> None:
        verdict = Verdict.TROUBLED if end.has_answered else Verdict.AWAY
        self._gate.shut(verdict, end.why_unwell, retry_after=end.retry_after)

    def _load(self, hold: Hold) -> None:
        """Have the server prove that it can serve, without a prompt."""
        try:
            self._ollama.load(self._server.model)
        except OllamaFailed as failed:
            end, verdict = failed.end, judge(failed.end, _holds)
            if end.kind in (EndKind.UNANSWERED, EndKind.GIBBERISH) or verdict is Verdict.REFUSED:
                # It may load for long, and what only speaks like Ollama may not know how to load alone.
                self._gate.reopen(hold, is_proved=False)
            else:
                is_unclear = verdict is Verdict.UNCLEAR
                by_load = is_unclear or verdict is Verdict.TROUBLED
                shown = Verdict.TROUBLED if is_unclear else verdict
                self._gate.shut(shown, end.why_unwell, retry_after=end.retry_after, by_load=by_load)
        else:
            self._gate.reopen(hold)

    def _install(self, hold: Hold) -> None:
        lack = self._puller.bring("it is not installed", self._show_percent)
        if lack is None:
            self._gate.reopen(hold)
        else:
            self._gate.shut(Verdict.MISSING, lack, retry_at=self._puller.retry_at_wall)

    def _mend(self, hold: Hold) -> None:
        reason = "its files are broken"
        lack = self._puller.bring(reason, self._show_percent)
        if lack is None:
            # What this has not mended it will not mend a second later.
            self._puller.wait(MEND_EVERY, f"{reason}, also after a download")
            self._gate.reopen(hold)
            return
        # Where they cannot be downloaded again they may still be whole: what broke may have been a moment's doing.
        try:
            self._ollama.show(self._server.model)
        except OllamaFailed as failed:
            words = f"{lack}: {failed.end.why_unwell}"
            self._gate.shut(Verdict.STORE_BROKEN, words, retry_at=self._puller.retry_at_wall)
        else:
            self._gate.reopen(hold)

    def _learn_processor(self) -> None:
        """Ask what the model runs on while it speaks: at once if nobody knows, since it may be unloaded soon."""
        now, is_known = time.monotonic(), self._processor is not None
        if not self._server.has_spoken_since(self._processor_at + (PROCESSOR_EVERY if is_known else 0.0)):
            return
        self._processor_at = now
        with suppress(OllamaFailed):  # nice to know, and no reason to hold anything back
            if loaded := self._ollama.loaded(self._server.model):
                self._processor = loaded.processor
                self._inquiry.see_loaded(loaded.context_length)
        self._server.is_awaited = self._processor is None

    def _show_percent(self, percent: int, failure: str | None) -> None:
        self._publish(Report(state=ModelState.DOWNLOADING, percent=percent, reason=failure))


def _holds(condition: Condition) -> bool:
    """Say what holds of a question that carries no prompt, to a server that has just answered others."""
    return condition is Condition.OTHERS_ANSWERED
