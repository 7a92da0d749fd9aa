"""The clients: each plays one script after the other, and takes no answer for an answer until it has one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from chaos.history import now
from chaos.script import Fate, Way, script
from chaos.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.door import Door
    from chaos.history import Seen
    from chaos.script import Script

PAUSE = 0.3  # seconds before asking again
GONE = 404
NOT_RETRYABLE = 409


class Clients:
    """So many of them, each a thread."""

    def __init__(self, door: Door, *, seed: int, number: int) -> None:
        self._door = door
        self._seed = seed
        self._ending = threading.Event()
        self._giving_up = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(client,), name=f"client-{client}", daemon=True)
            for client in range(number)
        ]
        self.scripts: dict[str, Script] = {}

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self, timeout: float) -> bool:
        """Begin no more scripts and wait for those that are played; whether all came to their end."""
        self._ending.set()
        deadline = now() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - now()))
        self._giving_up.set()
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, client: int) -> None:
        number = 0
        while not self._ending.is_set():
            number += 1
            following = script(self._seed, client, number)
            if not self._ending.wait(following.pause):
                self.scripts[following.name] = following
                self._play(following)

    def _play(self, script: Script) -> None:
        prompt_id = self._submit(script)
        if prompt_id is None:
            return
        if script.is_sent_twice:
            self._submit(script)
        match script.fate:
            case Fate.WAITED_FOR:
                self._wait(script, prompt_id)
                self._read_to_the_end(script, prompt_id)
            case Fate.CANCELLED:
                self._giving_up.wait(script.after)
                self._until(lambda: self._door.cancel(script, prompt_id), 200, GONE)
                if script.is_retried:
                    self._until(lambda: self._door.retry(script, prompt_id), 200, NOT_RETRYABLE, GONE)
                    self._wait(script, prompt_id)
                self._read_to_the_end(script, prompt_id)
            case Fate.DELETED:
                self._giving_up.wait(script.after)
                self._until(lambda: self._door.delete(script, prompt_id), 204, GONE)
                self._until(lambda: self._door.status(script, prompt_id), 200, GONE)
                self._submit(script)
            case Fate.LEFT:
                pass

    def _submit(self, script: Script) -> str | None:
        seen = self._until(lambda: self._door.submit(script), 202, 410)
        return seen.prompt_id if seen and seen.status == 202 else None

    def _wait(self, script: Script, prompt_id: str) -> None:
        door, known = self._door, "queued"
        stream = Stream(door, script, prompt_id)
        while not self._giving_up.is_set():
            match script.way:
                case Way.POLLING:
                    seen = door.status(script, prompt_id)
                case Way.HOLDING:
                    seen = door.status(script, prompt_id, f"?wait=3&unless={known}")
                case Way.RESULT:
                    seen = door.result(script, prompt_id, "?wait=3")
                case Way.WATCHING:
                    if stream.read() == 204:
                        return
                    # Also what is done while a proxy has no such stream.
                    seen = door.status(script, prompt_id)
            if seen.status == 200:
                known = seen.body["status"]
            if (seen.status == 200 and known == "completed") or seen.status in (GONE, 410):
                return
            if script.way in (Way.POLLING, Way.WATCHING) or seen.status not in (200, 202):
                self._giving_up.wait(PAUSE)

    def _read_to_the_end(self, script: Script, prompt_id: str) -> None:
        """What has ended says so for ever, and the same each time."""
        for _ in range(2):
            self._until(lambda: self._door.result(script, prompt_id), 200, 410, GONE)
            self._until(lambda: self._door.status(script, prompt_id), 200, GONE)

    def _until(self, ask: Callable[[], Seen], *statuses: int) -> Seen | None:
        """Ask until the answer is one of these; None when it is too late for one."""
        while not self._giving_up.is_set():
            seen = ask()
            if seen.status in statuses:
                return seen
            self._giving_up.wait(PAUSE)
        return None
