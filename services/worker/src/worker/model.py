"""The model: kept present, its state known to everybody, and claiming held back while it cannot answer."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import Model, ModelState

from worker.download import Download
from worker.plug import Plug
from worker.verdict import How, OllamaFailed, Seen, Verdict, cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promptqueue import PromptQueue

    from worker.drain import Drain
    from worker.ollama import Ollama

LOOK_EVERY = 1.0  # seconds, while the model cannot answer: no growing back-off, or prompts would wait for nobody
PROBE_EVERY = 2.0  # seconds, while it can and nothing is asked of it
PROCESSOR_EVERY = 10.0  # seconds
LONGEST_BACKOFF = 60.0  # seconds between two attempts to download
LOG_EVERY = 5  # percent

log = logging.getLogger(__name__)


class ModelKeeper:
    """One thread's loop, and the breaker that the slots ask. `turned_at` tells when the loop last turned."""

    def __init__(self, *, queue: PromptQueue, ollama: Ollama, name: str, pull: bool, drain: Drain) -> None:
        """Keep `name` on the server `ollama`, downloading it when it is missing and `pull` allows it."""
        self._queue = queue
        self._ollama = ollama
        self._ollama.meanwhile = self._turned
        self._name = name
        self._pull_allowed = pull
        self._drain = drain
        self._condition = threading.Condition()
        self._ready = False
        self._reported: tuple[ModelState, str] | None = None  # by a slot, not yet said
        self._users = 0
        self._answers = 0
        self._answers_seen = 0
        self._processor: str | None = None
        self._processor_at = 0.0
        self._said: Model | None = None
        self._storage_failed = False  # already said
        self._store_broken = False
        self._pull_at = 0.0
        self._failure = ""
        self._backoff = 1.0
        self.is_pulling = False  # and may be silent for minutes
        self.turned_at = time.monotonic()

    # ---- asked by the slots -----------------------------------------------------------------------------------------

    @property
    def is_ready(self) -> bool:
        """Whether a prompt may be claimed."""
        return self._ready

    def wait_until_ready(self, timeout: float) -> bool:
        """Wait until a prompt may be claimed, at most `timeout` seconds; whether it may."""
        with self._condition:
            return self._condition.wait_for(lambda: self._ready or self._drain.has_begun, timeout) and self._ready

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Leave the server alone inside: it is answering, and a busy one may be slow to say so."""
        with self._condition:
            self._users += 1
        try:
            yield
        finally:
            with self._condition:
                self._users -= 1

    def answered(self) -> None:
        """Take note that the model has answered, so it is loaded."""
        self._answers += 1

    def report(self, verdict: Verdict, reason: str) -> None:
        """Hold claiming back: a call has shown that the server or the model is not there."""
        with self._condition:
            self._ready = False
            self._store_broken = self._store_broken or verdict is Verdict.STORE_BROKEN
            state = ModelState.UNREACHABLE if verdict is Verdict.DOWN else ModelState.MISSING
            self._reported = (state, reason)
            self._condition.notify_all()

    # ---- the loop ---------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Look after the model until the worker ends."""
        while not self._drain.has_begun:
            self.turned_at = time.monotonic()
            try:
                self._turn()
            except Exception as error:
                # Whatever the server said, it must not end the process with every prompt in hand.
                reason = f"the worker met an unexpected error: {type(error).__name__}"
                if self._said is None or self._said.detail != reason:
                    log.exception("model met an unexpected error model=%s", self._name)
                self._hold_back(ModelState.UNREACHABLE, reason)
            with self._condition:
                self._condition.wait_for(
                    lambda: self._reported or self._drain.has_begun, PROBE_EVERY if self._ready else LOOK_EVERY
                )

    def stop(self) -> None:
        """Wake everybody who waits here. A download ends with the process; what came of it stays with Ollama."""
        with self._condition:
            self._condition.notify_all()

    def _turned(self) -> None:
        self.turned_at = time.monotonic()

    def _turn(self) -> None:
        if self._reported:
            state, reason = self._reported
            self._reported = None
            self._say(state, detail=reason)
        elif self._ready:
            self._watch()
        else:
            self._look()

    def _watch(self) -> None:
        try:
            if self._users == 0:
                self._ollama.version()  # which is given less time than a list
                if not self._ollama.lists(self._name):
                    self._hold_back(ModelState.MISSING, "it is not installed any more")
                    return
        except OllamaFailed as failed:
            if self._users == 0:
                self._hold_back(ModelState.UNREACHABLE, _why(failed.seen))
                return
        self._learn_processor()
        if self._ready:  # still: a slot may have reported meanwhile
            self._say(ModelState.READY)

    def _learn_processor(self) -> None:
        now = time.monotonic()
        if self._answers == self._answers_seen or now - self._processor_at < PROCESSOR_EVERY:
            return
        self._answers_seen, self._processor_at = self._answers, now
        with suppress(OllamaFailed):  # nice to know, and no reason to hold anything back
            self._processor = self._ollama.processor(self._name) or self._processor

    def _look(self) -> None:
        try:
            self._ollama.version()
            if not self._ollama.lists(self._name):
                self._fetch("it is not installed")
            elif self._store_broken:
                self._mend()
            else:
                self._let_go()
        except OllamaFailed as failed:
            self._hold_back(ModelState.UNREACHABLE, _why(failed.seen))

    def _fetch(self, reason: str) -> bool:
        """Download the model unless that must wait; whether it is there now."""
        if not self._pull_allowed:
            self._hold_back(ModelState.MISSING, f"{reason}, and OLLAMA_PULL is never")
            return False
        if time.monotonic() < self._pull_at:
            self._hold_back(ModelState.MISSING, self._failure)
            return False
        failure = self._pull()
        if failure is None:
            if self._store_broken:  # what this has not mended it will not mend a second later
                self._pull_at = time.monotonic() + LONGEST_BACKOFF
                self._failure = f"{reason}, also after a download"
            self._store_broken = False
            self._backoff = 1.0
            self._let_go()
            return True
        self._pull_at = time.monotonic() + self._backoff
        if not self._drain.has_begun:
            log.warning("download failed model=%s retry_in=%d reason=%r", self._name, self._backoff, failure)
            self._failure = f"the download failed and is tried again: {failure}"
            self._hold_back(ModelState.MISSING, self._failure)
        self._backoff = min(self._backoff * 2, LONGEST_BACKOFF)
        return False

    def _mend(self) -> None:
        # Where they cannot be downloaded again they may still be whole: what broke may have been a moment's doing.
        if self._fetch("its files are broken"):
            return
        try:
            self._ollama.show(self._name)
        except OllamaFailed as failed:
            self._hold_back(ModelState.MISSING, f"its files are broken: {_why(failed.seen)}")
        else:
            self._store_broken = False
            self._let_go()

    def _pull(self) -> str | None:
        """Download the model; None when it is there, else why it is not."""
        now = time.monotonic()
        download, plug = Download(now), Plug()
        logged = 0
        self.is_pulling = True
        log.info("download begun model=%s", self._name)
        self._say(ModelState.DOWNLOADING, percent=0)
        try:
            with closing(self._ollama.pull(self._name, plug, patience=download.patience)) as records:
                for record in records:
                    now = self.turned_at = time.monotonic()
                    download.take(record, now)
                    plug.be_patient(download.patience)
                    self._say(ModelState.DOWNLOADING, percent=download.percent)
                    if download.percent >= logged + LOG_EVERY:
                        logged = download.percent - download.percent % LOG_EVERY
                        log.info("downloading model=%s percent=%d", self._name, download.percent)
                    if record.get("status") == "success":
                        log.info("download finished model=%s", self._name)
                        return None if self._ollama.lists(self._name) else "it ended well, and yet the model is missing"
                    if download.is_stalled(now):
                        return "nothing more comes"
        except OllamaFailed as failed:
            return _why(failed.seen)
        finally:
            self.is_pulling = False
            if download.moved:
                self._backoff = 1.0
        return "it ended before it was done"

    def _let_go(self) -> None:
        with self._condition:
            if self._reported:
                return
            self._ready = True
            self._condition.notify_all()
        self._say(ModelState.READY)
        log.info("model ready model=%s", self._name)

    def _hold_back(self, state: ModelState, reason: str) -> None:
        with self._condition:
            self._ready = False
        self._say(state, detail=reason)

    def _say(self, state: ModelState, *, percent: int | None = None, detail: str | None = None) -> None:
        model = Model(name=self._name, state=state, percent=percent, processor=self._processor, detail=detail)
        try:
            if model != self._said or self._is_contradicted(model):
                self._queue.describe_model(model)
        except StorageUnavailable as unavailable:
            if not self._storage_failed:
                log.warning("model state not written reason=%r", str(unavailable))
            self._storage_failed = True
            return  # said again at the next turn
        self._storage_failed = False
        if detail and (self._said is None or detail != self._said.detail):
            log.warning("model not ready model=%s state=%s reason=%r", self._name, state, detail)
        self._said = model

    def _is_contradicted(self, model: Model) -> bool:
        """Whether another worker has said otherwise since. Whoever is ready is right, and so is whoever is alone."""
        if model.state is not ModelState.READY and self._queue.workers().count > 1:
            return False
        stored = self._queue.model()
        return stored is not None and stored.state is not model.state


def _why(seen: Seen) -> str:
    if seen.how is How.REJECTED and seen.status == 403 and not seen.words:  # noqa: PLR2004 (HTTP's own number)
        return "the model server answers 403: it does not accept the host name that OLLAMA_URLS calls it by"
    return cause(seen)
