"""The worker's process: wires servers, slots, their watcher and their probers, and ends them in good order."""

import logging
import os
import sys
import time
from dataclasses import replace
from functools import partial

from promptqueue import connect
from promptqueue.errors import StorageUnavailable
from promptqueue.logs import Once, to_stdout
from promptqueue.notes import Listener
from promptqueue.prompt import Terms
from promptqueue.settings import read_or_exit

from worker import health, memory
from worker.answering.lookout import Lookout
from worker.answering.slot import Slot
from worker.answering.watcher import Watcher
from worker.config import Config
from worker.drain import Drain
from worker.loop import Loop
from worker.server.prober import Prober
from worker.server.server import Server
from worker.server.slots import Slots
from worker.signals import Signals

TICK = 1.0  # seconds
DRAIN_TICK = 0.05  # seconds; the end of the last slot is no signal that could be waited for
BEAT_EVERY = 2.0  # seconds
LAST_WORDS = 2.0  # seconds that the end of a drained call may take, well below what supervisord and Docker grant

log = logging.getLogger("worker.main")  # run as a program, its __name__ would say nothing


def main() -> int:
    """Run the worker until a signal ends it; the exit code."""
    memory.give_back()
    config = read_or_exit(Config, os.environ)  # noqa: TID251 (an entry file)
    to_stdout(config.log_level)
    logging.getLogger("urllib3").setLevel(logging.WARNING)  # at debug it would log every probe
    worker = Worker(config, Signals())
    worker.run()
    return worker.exit_code


class Worker(Loop):
    """The main thread's loop: recovers lost prompts, says that the worker lives, and hears the signals that end it."""

    def __init__(self, config: Config, signals: Signals) -> None:
        """Begin nothing yet."""
        storage = connect(config.database_url, journal_mode=config.journal_mode)
        super().__init__("main", storage=storage, drain=Drain())
        self.exit_code = 0
        self._config = config
        self._signals = signals
        self._slots: list[Slot] = []
        self._others: list[Loop] = []
        self._recovered_at = self._beaten_at = float("-inf")
        self._heartbeat_trouble = Once(log)

    def _work(self) -> None:
        """Answer prompts until a signal comes, then drain; a second signal ends the drain."""
        servers = [Server(at, self._config, drain=self._drain) for at in self._config.ollama_urls]
        for server in servers:
            server.gate.others = [other.gate for other in servers if other is not server]
        with (
            self._opened(lambda: self._storage.listen(texts=False)) as listener,
            self._opened(lambda: self._storage.register(slots=0)) as self._presence,  # it counts those that it takes
        ):
            self._make_loops(servers, listener)
            addresses = ",".join(server.name for server in servers)
            log.info("worker started worker=%s slots=%d ollama=%s", self._presence.id, len(self._slots), addresses)
            for loop in [*self._slots, *self._others]:
                loop.start()
            while not self._is_over():
                self._turn()
            self._end(0.0)
            self._watcher.close()
        log.info("worker ended worker=%s", self._presence.id)

    def _make_loops(self, servers: list[Server], listener: Listener) -> None:
        config, storage, drain = self._config, self._storage, self._drain
        self._held = Slots(self._presence, servers, drain=drain)
        self._watcher = Watcher(listener=listener, config=config, storage=storage, drain=drain)
        terms = Terms(
            worker=self._presence.id,
            lease_seconds=config.lease_seconds,
            timeout_seconds=config.prompt_timeout,
            max_failures=config.max_failures,
            most_running=_most_running(sum(server.slots for server in servers)),
        )
        slot = partial(
            Slot,
            watcher=self._watcher,
            lookout=Lookout(),
            listener=listener,
            terms=terms,
            config=config,
            storage=storage,
            drain=drain,
        )
        each_slots = [server for server in servers for _ in range(server.slots)]
        self._slots = [slot(i, server=server) for i, server in enumerate(each_slots)]
        prober = partial(
            Prober, may_pull=config.ollama_pull == "auto", worker=terms.worker, storage=storage, drain=drain
        )
        probers = [prober(i, server=server, ollama=server.client()) for i, server in enumerate(servers)]
        self._others = [self._watcher, *probers]

    def _is_over(self) -> bool:
        if not self._drain.has_begun:
            dead = [loop.name for loop in [*self._slots, *self._others] if not loop.is_alive]
            if dead:
                # Not mended in here: supervisord starts a whole new process, which is known to work.
                log.error("worker lost a thread threads=%s", ",".join(dead))
                self.exit_code = 1
            return bool(dead)
        if not any(slot.is_alive for slot in self._slots):
            return True
        is_late = time.monotonic() >= self._drain.until + LAST_WORDS
        if is_late:
            log.warning("worker ends with a prompt in hand")
        return is_late

    def _turn(self) -> None:
        self.turned_at = now = time.monotonic()
        if now - self._recovered_at >= TICK:
            self._recovered_at = now
            for verb in (self._held.keep, self._leave_a_slot, self._recover):
                try:
                    verb()
                except StorageUnavailable as unavailable:
                    log.debug("nothing recovered reason=%r", str(unavailable))  # each slot warns of it already
        if now - self._beaten_at >= BEAT_EVERY and not any(loop.hangs for loop in [*self._slots, *self._others]):
            self._beaten_at = now
            self._beat()
        self._pause(DRAIN_TICK if self._drain.has_begun else TICK)

    def _leave_a_slot(self) -> None:
        """Let no owner who has a key take all slots, of all the workers that there are now."""
        most = _most_running(self._queue.workers().slots)
        for slot in self._slots:
            slot.terms = replace(slot.terms, most_running=most)

    def _beat(self) -> None:
        try:
            health.beat(health.heartbeat_path())
        except OSError as error:
            self._heartbeat_trouble.warn("heartbeat not written reason=%r", str(error))

    def _pause(self, seconds: float) -> None:
        """Wait this many seconds, less if a signal comes: the first begins the drain, the second ends it."""
        if not self._signals.wait(seconds):
            return
        if self._drain.has_begun:
            log.info("drain ended by a second signal")
            self._end(0.0)
        else:
            log.info("worker drains seconds=%g", self._config.drain_seconds)
            self._end(self._config.drain_seconds)

    def _end(self, seconds: float) -> None:
        self._drain.begin(seconds)
        for loop in [*self._slots, *self._others]:
            loop.wake()


def _most_running(slots: int) -> int | None:
    return slots - 1 if slots > 1 else None


if __name__ == "__main__":
    sys.exit(main())
