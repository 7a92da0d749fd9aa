"""The worker's process: wires slots, watchers and the model's keeper, and ends them in good order."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from promptqueue import connect
from promptqueue.errors import StorageUnavailable
from promptqueue.prompt import Terms
from promptqueue.settings import read_or_exit

from worker import health, logs, memory
from worker.answering.slot import Slot
from worker.answering.watcher import Watcher
from worker.config import Config
from worker.drain import Drain
from worker.ollama.client import Ollama
from worker.server.bulletin import Bulletin
from worker.server.model import ModelKeeper
from worker.server.server import Server
from worker.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Callable

    from promptqueue import PromptQueue
    from promptqueue.notes import Listener
    from promptqueue.storage import Presence

TICK = 1.0  # seconds
DRAIN_TICK = 0.05  # seconds; the end of the last slot is no signal that could be waited for
BEAT_EVERY = 2.0  # seconds
HANGS_AFTER = 15.0  # seconds without a turn; every loop turns about once a second, and waits five for a lock
LAST_WORDS = 2.0  # seconds that the end of a drained call may take, well below what supervisord and Docker grant

log = logging.getLogger("worker.main")  # run as a program, its __name__ would tell nobody anything


class EndSignals(Protocol):
    """Where the worker hears that it is to end."""

    def wait(self, timeout: float) -> int:
        """Wait at most `timeout` seconds; how many signals came."""
        ...


def main() -> int:
    """Run the worker until it is told to end; the exit code."""
    memory.give_back()
    config = read_or_exit(Config, os.environ)  # noqa: TID251 (an entry file)
    logs.to_stdout(config.log_level)
    return Worker(config).run(Signals())


class Worker:
    """A worker of one process: `WORKER_CONCURRENCY` slots, one watcher of their calls, and one keeper of the model."""

    def __init__(self, config: Config) -> None:
        """Do nothing yet."""
        self._config = config
        self._drain = Drain()
        self._recovered_at = self._beaten_at = float("-inf")
        self._beat_failed = False

    def run(self, signals: EndSignals) -> int:
        """Answer prompts until a signal comes, then drain; a second signal ends the drain. The exit code."""
        config = self._config
        opened = self._open(3 + config.worker_concurrency, signals)
        if not opened:
            return 0
        queues, listener, presence = opened
        queue = queues.pop(0)
        self._presence = presence
        with listener, presence:
            terms = Terms(
                worker=presence.id,
                lease_seconds=config.lease_seconds,
                timeout_seconds=config.prompt_timeout,
                max_failures=config.max_failures,
            )
            self._server = Server(patience=config.upstream_patience, drain=self._drain)
            self._model = ModelKeeper(
                server=self._server,
                ollama=Ollama.of(self._config),
                bulletin=Bulletin(queues.pop(), config.ollama_model, worker=presence.id, server=config.ollama_shown),
                name=config.ollama_model,
                pull=config.ollama_pull == "auto",
                drain=self._drain,
            )
            self._watcher = Watcher(queue=queues.pop(), listener=listener, config=config, drain=self._drain)
            self._slots = [self._slot(queues.pop(), listener, terms) for _ in range(config.worker_concurrency)]
            log.info("worker started worker=%s slots=%d ollama=%s", presence.id, len(self._slots), config.ollama_shown)
            exit_code = self._work(queue, signals)
        queue.close()
        log.info("worker ended worker=%s", presence.id)
        return exit_code

    def _work(self, queue: PromptQueue, signals: EndSignals) -> int:
        slots = [_thread(slot.run, f"slot-{number}") for number, slot in enumerate(self._slots)]
        others = [_thread(self._watcher.run, "watcher"), _thread(self._model.run, "model")]
        while not self._drain.has_begun:
            dead = [thread.name for thread in [*slots, *others] if not thread.is_alive()]
            if dead:
                # Not mended in here: supervisord starts a whole new process, which is known to work.
                log.error("worker lost a thread threads=%s", ",".join(dead))
                return 1
            self._care(queue)
            if signals.wait(TICK):
                log.info("worker drains seconds=%g", self._config.drain_seconds)
                self._end(self._config.drain_seconds)
        while any(slot.is_alive() for slot in slots):
            if self._drain.is_over and time.monotonic() >= self._drain.until + LAST_WORDS:
                log.warning("worker ends with a prompt in hand")
                break
            self._care(queue)
            if signals.wait(DRAIN_TICK):
                log.info("drain ended by a second signal")
                self._end(0.0)
        return 0

    def _end(self, seconds: float) -> None:
        self._drain.begin(seconds)
        self._server.wake()
        for slot in self._slots:
            slot.wake()
        self._watcher.wake()

    def _care(self, queue: PromptQueue) -> None:
        now = time.monotonic()
        if now - self._recovered_at >= TICK:
            self._recovered_at = now
            self._stay()
            self._recover(queue)
        if now - self._beaten_at >= BEAT_EVERY and self._turns(now):
            self._beaten_at = now
            self._beat()

    def _stay(self) -> None:
        try:
            self._presence.stay()
        except StorageUnavailable as unavailable:
            log.debug("not entered again reason=%r", str(unavailable))  # each slot warns of it already

    def _recover(self, queue: PromptQueue) -> None:
        try:
            recovered = queue.recover()
        except StorageUnavailable as unavailable:
            log.debug("nothing recovered reason=%r", str(unavailable))  # each slot warns of it already
        else:
            logs.recovered(log, recovered)

    def _beat(self) -> None:
        try:
            health.beat(health.heartbeat_path())
        except OSError as error:
            if not self._beat_failed:
                log.warning("heartbeat not written reason=%r", str(error))
            self._beat_failed = True

    def _turns(self, now: float) -> bool:
        """Whether every loop has turned lately; a slot in a call is judged by the watcher."""
        loops = [slot.turned_at for slot in self._slots if not slot.is_calling]
        loops += [self._watcher.turned_at or now]
        loops.append(self._model.turned_at)
        return all(now - turned_at < HANGS_AFTER for turned_at in loops)

    def _slot(self, queue: PromptQueue, listener: Listener, terms: Terms) -> Slot:
        return Slot(
            queue=queue,
            listener=listener,
            watcher=self._watcher,
            ollama=Ollama.of(self._config),
            server=self._server,
            terms=terms,
            config=self._config,
            drain=self._drain,
        )

    def _open(self, number: int, signals: EndSignals) -> tuple[list[PromptQueue], Listener, Presence] | None:
        """Open the queue for so many threads, however long it takes to be there; None when a signal comes first."""
        config, said = self._config, False
        storage = connect(config.database_url, journal_mode=config.journal_mode)
        while True:
            try:
                with ExitStack() as opened:
                    queues = []
                    for _ in range(number):
                        queues.append(storage.open())
                        opened.callback(queues[-1].close)
                    listener = opened.enter_context(storage.listen(texts=False))
                    presence = opened.enter_context(storage.register(slots=config.worker_concurrency))
                    opened.pop_all()
                    return queues, listener, presence
            except StorageUnavailable as unavailable:
                if not said:
                    log.warning("storage unavailable reason=%r", str(unavailable))
                said = True
            if signals.wait(TICK):
                return None


def _thread(run: Callable[[], None], name: str) -> threading.Thread:
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


if __name__ == "__main__":
    sys.exit(main())
