"""The model's keeper: keeps the model present, and knows whether the server can serve."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from promptqueue.condition import ModelState

from worker.ollama.call_end import CallEnd, EndKind, OllamaFailed
from worker.server.puller import Puller
from worker.server.server import ask_every
from worker.server.verdict import Condition, Verdict, judge

if TYPE_CHECKING:
    from worker.drain import Drain
    from worker.ollama.client import Ollama
    from worker.server.bulletin import Bulletin
    from worker.server.server import Hold, Server

ASK_IDLE_EVERY = 15.0  # seconds, while all is well and nobody calls: a call that fails tells at once
ASK_BUSY_EVERY = 5.0  # seconds, while somebody calls, or one prompt after the other fails
TURN_EVERY = 5.0  # seconds
PROCESSOR_EVERY = 10.0  # seconds
MEND_EVERY = 60.0  # seconds between two downloads of files that are broken

log = logging.getLogger(__name__)


class ModelKeeper:
    """One thread's loop. `turned_at` tells when it last turned, or last waited for the server."""

    def __init__(  # noqa: PLR0913 (handed in, each by its name)
        self, *, server: Server, ollama: Ollama, bulletin: Bulletin, name: str, pull: bool, drain: Drain
    ) -> None:
        """Keep `name` on the server, which `ollama` speaks to, and download it when it is missing and `pull` allows."""
        self._server = server
        self._ollama = ollama
        self._ollama.meanwhile = self._turned
        self._bulletin = bulletin
        self._name = name
        self._puller = Puller(ollama, name)
        self._pull_allowed = pull
        self._drain = drain
        self._asked_at = float("-inf")
        self._has_missed = False  # an answer to the last question, beside a call
        self._answers_seen = 0
        self._processor_at = float("-inf")
        self._met: str | None = None  # an error that nobody expected
        self.turned_at = time.monotonic()

    def run(self) -> None:
        """Look after the model until the worker ends."""
        while not self._drain.has_begun:
            self.turned_at = time.monotonic()
            changes = self._server.changes()
            try:
                if self._ask_at() <= self.turned_at:
                    self._asked_at = self.turned_at
                    self._ask()
                    self._met = None
                self._learn_processor()
            except Exception as error:
                # Whatever the server said, it must not end the process with every prompt in hand.
                reason = f"the worker met an unexpected error: {type(error).__name__}"
                if self._met != reason:
                    log.exception("model met an unexpected error model=%s", self._name)
                self._met = reason
                self._server.held(Verdict.AWAY, reason)
            self._say()
            self._server.wait_for_change(changes, max(0.0, min(self._ask_at() - time.monotonic(), TURN_EVERY)))

    def _turned(self) -> None:
        self.turned_at = time.monotonic()

    def _ask_at(self) -> float:
        """When the server is to be asked how it is."""
        hold = self._server.hold
        if hold:
            # No growing pauses, or prompts would wait for nobody.
            return max(max(self._asked_at, hold.since) + ask_every(hold.since), hold.ask_at)
        is_idle = self._server.is_well and not self._server.is_called
        return self._asked_at + (ASK_IDLE_EVERY if is_idle else 1.0 if self._has_missed else ASK_BUSY_EVERY)

    def _say(self) -> None:
        condition = self._server.condition
        self._bulletin.say(condition.state, detail=condition.reason, retry_at=condition.retry_at)

    def _ask(self) -> None:
        hold = self._server.hold
        if hold:
            self._look(hold)
        else:
            self._watch()

    def _watch(self) -> None:
        asked_at = time.monotonic()
        try:
            is_listed = self._ollama.lists(self._name)
        except OllamaFailed as failed:
            # A server that is answering may be slow to say so.
            if self._server.is_called and (self._server.has_spoken_since(asked_at) or not self._has_missed):
                self._has_missed = True
            else:
                self._is_not_well(failed.end)
        else:
            self._has_missed = False
            if not is_listed:
                self._server.held(Verdict.MISSING, "it is not installed any more")

    def _look(self, hold: Hold) -> None:
        try:
            self._ollama.version()
            is_listed = self._ollama.lists(self._name)
        except OllamaFailed as failed:
            self._is_not_well(failed.end)
            return
        if not is_listed:
            self._fetch(hold)
        elif hold.verdict is Verdict.STORE_BROKEN:
            self._mend(hold)
        elif hold.by_load:
            self._load(hold)
        else:
            self._server.let_go(hold)

    def _is_not_well(self, end: CallEnd) -> None:
        verdict = Verdict.TROUBLED if end.has_answered else Verdict.AWAY
        self._server.held(verdict, end.why_unwell, retry_after=end.retry_after)

    def _load(self, hold: Hold) -> None:
        """Have the server prove that it can serve, without a prompt."""
        try:
            self._ollama.load(self._name)
        except OllamaFailed as failed:
            end, verdict = failed.end, judge(failed.end, _holds)
            if end.kind in (EndKind.UNANSWERED, EndKind.GIBBERISH) or verdict is Verdict.REFUSED:
                # It may load for long, and what only speaks like Ollama may not know how to load alone.
                self._server.let_go(hold, is_proved=False)
            elif verdict is Verdict.UNCLEAR:
                self._server.held(Verdict.TROUBLED, end.why_unwell, retry_after=end.retry_after, by_load=True)
            else:
                by_load = verdict is Verdict.TROUBLED
                self._server.held(verdict, end.why_unwell, retry_after=end.retry_after, by_load=by_load)
        else:
            self._server.let_go(hold)

    def _fetch(self, hold: Hold) -> None:
        lack = self._lack("it is not installed")
        if lack is None:
            self._server.let_go(hold)
        else:
            self._server.held(Verdict.MISSING, lack, retry_at=self._puller.retry_at_wall)

    def _mend(self, hold: Hold) -> None:
        reason = "its files are broken"
        lack = self._lack(reason)
        if lack is None:
            # What this has not mended it will not mend a second later.
            self._puller.wait(MEND_EVERY, f"{reason}, also after a download")
            self._server.let_go(hold)
            return
        # Where they cannot be downloaded again they may still be whole: what broke may have been a moment's doing.
        try:
            self._ollama.show(self._name)
        except OllamaFailed as failed:
            words = f"{lack}: {failed.end.why_unwell}"
            self._server.held(Verdict.STORE_BROKEN, words, retry_at=self._puller.retry_at_wall)
        else:
            self._server.let_go(hold)

    def _lack(self, reason: str) -> str | None:
        """Download the model unless that must wait; None when it is there now, else why it is not."""
        puller = self._puller
        if not self._pull_allowed:
            return f"{reason}, and OLLAMA_PULL is never"
        if time.monotonic() >= puller.retry_at:
            before = puller.failure
            if puller.pull(lambda percent: self._tell(percent, before)):
                return None
        return puller.failure or reason

    def _tell(self, percent: int, failure: str | None) -> None:
        self._bulletin.say(ModelState.DOWNLOADING, percent=percent, detail=failure)

    def _learn_processor(self) -> None:
        """Ask what the model runs on: while it speaks if nobody knows yet, since it may be unloaded right after."""
        server, now = self._server, time.monotonic()
        is_unknown = self._bulletin.processor is None
        speaks = is_unknown and server.has_spoken_since(self._processor_at)
        if not speaks and (server.answers == self._answers_seen or now - self._processor_at < PROCESSOR_EVERY):
            return
        self._answers_seen, self._processor_at = server.answers, now
        with suppress(OllamaFailed):  # nice to know, and no reason to hold anything back
            self._bulletin.processor = self._ollama.processor(self._name) or self._bulletin.processor
        server.is_curious = self._bulletin.processor is None


def _holds(condition: Condition) -> bool:
    """Say what holds of a question that carries no prompt, to a server that has just answered others."""
    return condition is Condition.OTHERS_ANSWERED
