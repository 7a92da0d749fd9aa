"""A storage that lasts as long as its process: it keeps what PromptQueue and Storage promise, and nothing on a disk."""

import threading
import uuid
from contextlib import contextmanager

from promptqueue.condition import Workers
from promptqueue.errors import StorageUnavailable
from promptqueue.notes import Changed, Subscriptions

from .queue import MemoryQueue
from .state import State

PATIENCE = 5.0  # seconds that a write waits for its turn


class MemoryStorage:
    """Keeps the contract of `promptqueue.storage.Storage`, for the threads of one process."""

    reads_wait = False

    def __init__(self, clock):
        self.clock = clock
        self.state = State()
        self.slots = {}  # of the workers that are alive, by their ids
        self.holders = {}  # those that are alive, by their ids
        self.slots_taken = {}  # of servers, each by the id of who holds it
        self._turn = threading.Lock()
        self._listeners = []

    def open(self):
        return MemoryQueue(self)

    def listen(self, *, texts=True):
        listener = MemoryListener(self._listeners.remove, texts=texts)
        self._listeners.append(listener)
        return listener

    def register(self, *, slots):
        return MemoryPresence(self.slots, slots, self.slots_taken)

    def attend(self):
        return MemoryPresence(self.holders, 0, self.slots_taken)

    def workers(self):
        return Workers(count=len(self.slots), slots=sum(self.slots.values()))

    def tidy(self, *, if_large=False):
        """Nothing is left lying about."""

    def describe(self):
        return {"kind": "memory"}

    def close(self):
        """Nothing is open."""

    @contextmanager
    def turn(self):
        """Keep the others from writing meanwhile."""
        if not self._turn.acquire(timeout=PATIENCE):
            raise StorageUnavailable
        try:
            yield
        finally:
            self._turn.release()

    def say(self, note):
        for listener in [*self._listeners]:
            listener.hear(note)


class MemoryPresence:
    def __init__(self, slots_of_all, slots, taken):
        self.id = str(uuid.uuid4())
        self._slots_of_all, self._slots, self._taken = slots_of_all, slots, taken
        self.stay()

    def stay(self):
        self._slots_of_all[self.id] = self._slots + len(self.slots())

    def take_slot(self, server, *, below):
        mine = (
            number
            for number in range(below)
            if (server, number) not in self.slots() and self._taken.setdefault((server, number), self.id) == self.id
        )
        number = next(mine, None)
        self.stay()
        return number

    def give_slot_back(self, server, number):
        del self._taken[server, number]
        self.stay()

    def slots(self):
        return {slot for slot, holder in [*self._taken.items()] if holder == self.id}

    def leave(self):
        self._slots_of_all.pop(self.id, None)
        for slot in self.slots():
            del self._taken[slot]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave()


class MemoryListener(Subscriptions):
    def __init__(self, leave, *, texts):
        super().__init__()
        self._leave, self._texts = leave, texts

    def hear(self, note):
        if self._texts or isinstance(note, Changed):
            self.hand_out(note)

    def close(self):
        self._leave(self)
        self.hand_out(Changed(None))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
