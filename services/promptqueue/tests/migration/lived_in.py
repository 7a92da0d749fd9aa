"""A queue in which everything has happened that can happen to a prompt, with texts that are hard to keep."""

from contextlib import closing

from promptqueue.condition import Model, ModelState
from promptqueue.errors import NotRetryable
from promptqueue.owners.deed import Act, Deed
from promptqueue.owners.key import Role, new_key
from promptqueue.prompt import (
    Answered,
    ErrorCode,
    Failed,
    Idempotency,
    NewPrompt,
    Origin,
    Priority,
    PutBack,
    Terms,
)
from promptqueue.storage import connect

from services.promptqueue.tests.conftest import HandClock

TEXTS = [
    "plain",
    "zero\0inside\0",
    "half a pair \ud83d and a whole one \U0001f642",
    "line\u2028separator\u2029, next line\x85",
    "\ttabs\\N\\.\\back\\\\slashes\t\\t",
    "\r\n'quotes' \"double\" \x1f\x7f",
    "e\u0301\u200d\ufeff\uffff\U0010ffff",
    "",
    "long " * 2_000,
]
NUMBERS = {"large": 12345678901234567890, "huge": 1e22, "tiny": 5e-324, "third": 1 / 3, "none": -0.0}
GROUP = 50


def live_in(url, number):
    """Let `number` prompts live in the queue at `url`; the ids of all that are there in the end."""
    clock = HandClock()
    with closing(connect(url, clock=clock)) as storage, closing(storage.open()) as queue:
        return Life(storage, queue, clock).live(number)


class Life:
    def __init__(self, storage, queue, clock):
        self._storage, self._queue, self._clock = storage, queue, clock
        self._ids = []

    def live(self, number):
        owners = self._owners()
        with self._storage.register(slots=9) as worker, self._storage.attend() as holder:
            self._terms = Terms(worker=worker.id, server="http://ollama:11434")
            self._describe(worker)
            for first in range(0, number, GROUP):
                news = [self._new(first + each, owners, holder) for each in range(min(GROUP, number - first))]
                with self._queue.transaction():
                    self._ids += [one.prompt.id for one in self._queue.enqueue(*news)]
                for turn in range(GROUP * 3 // 4):
                    self._turn(first + turn)
                self._clock.advance(61)
                self._queue.observe()
            self._end_what_waits()
            for _ in range(5):  # these run to the end
                self._queue.write(self._queue.claim(self._terms), "begun", offset=0, tokens=1)
            self._queue.pause(True)
        self._queue.record(Deed(who="me", what=Act.PAUSED, to="all"))
        self._queue.secret()
        return self._ids

    def _owners(self):
        anna, ben = (self._queue.add_key(new_key(), owner=name, role=Role.USER) for name in ("anna", "ben"))
        self._queue.limit_owner("anna", {"waiting": 10_000, "requests_a_second": 0.5}, weight=2.5)
        revoked = self._queue.add_key(new_key(), owner="ben", role=Role.METRICS, expires_at=2e9 + 1 / 3)
        self._queue.revoke_key(revoked.name)
        self._queue.note_use([anna.name])
        return [0, 1, anna.owner.number, ben.owner.number]

    def _describe(self, worker):
        facts = {"version": "0.1", "tag": {"name": "m"}, "show": {"x": [1e22]}, "context_length": 4096}
        model = Model(name="m", state=ModelState.TROUBLED, detail="zero\0in a detail", retry_at=2e9 + 0.1)
        self._queue.describe_model(model, worker=worker.id, server="http://ollama:11434", facts=facts, slots=3)

    def _new(self, number, owners, holder):
        text = TEXTS[number % len(TEXTS)]
        origin = Origin(face="ollama.chat", echo={"said": text}, fingerprint=str(number), holder=holder.id)
        idempotency = Idempotency(key=f"key {number}\t\\", fingerprint=f"print {number}")
        return NewPrompt(
            request={"prompt": text, "options": NUMBERS, "number": number},
            priority=Priority.BATCH if number % 5 == 0 else Priority.INTERACTIVE,
            expires_in=3_600_000.0 + number / 3 if number % 3 else None,
            timeout=600.0 if number % 4 == 0 else None,
            metadata={"said": text, **NUMBERS} if number % 2 else None,
            idempotency=idempotency if number % 3 == 0 else None,
            origin=origin if number % 4 == 1 else None,
            owner=owners[number % len(owners)],
        )

    def _turn(self, number):
        claim = self._queue.claim(self._terms)
        if claim is None:
            return
        self._clock.advance(0.1 + number % 7 / 3)
        queue, text = self._queue, TEXTS[number % len(TEXTS)]
        match number % 11:
            case 0:
                queue.finish(claim, Failed(cause=f"refused {text}", code=ErrorCode.MODEL_REFUSED))
            case 1:
                queue.finish(claim, Failed(cause=f"broke off {text}"))
            case 2:
                queue.write(claim, text or "-", offset=0, tokens=3)
                queue.write(claim, text or "-", offset=len(text or "-"), tokens=6)
                queue.finish(claim, PutBack(cause=f"nobody knows {text}", counts=number % 2 == 0))
            case 3:
                queue.write(claim, text or "-", offset=0, tokens=3)
                queue.release(claim, reason=f"drained {text}")
            case 4:
                queue.write(claim, text or "-", offset=0, tokens=3)
                queue.cancel(claim.prompt.id)
            case 5:
                queue.delete(claim.prompt.id)
                self._ids.remove(claim.prompt.id)
            case _:
                record = {"response": text, "prompt_eval_count": 7, **NUMBERS}
                queue.finish(claim, Answered(record=record, tokens=number))

    def _end_what_waits(self):
        """Some are cancelled, of which some are retried and the texts of others erased; some expire."""
        waiting = self._queue.newest(limit=1_000, status="queued").prompts
        for each in waiting[::9]:
            self._queue.cancel(each.id)
        self._clock.advance(7_200)
        for each in waiting[::18]:
            self._queue.retry(each.id)
        while self._queue.erase_unrun(older_than=3_600):
            pass
        for each in self._queue.newest(limit=40, outcome="failed").prompts[::3]:
            try:
                self._queue.retry(each.id)
            except NotRetryable:
                continue
        [longest] = self._queue.enqueue(NewPrompt(request={"prompt": "\\\n\U0001f642" * 1_000_000}))
        self._ids.append(longest.prompt.id)
        [soon] = self._queue.enqueue(NewPrompt(request={"prompt": "too late"}, expires_in=0.5))
        self._clock.advance(1)
        self._queue.settle(soon.prompt.id)
        self._ids.append(soon.prompt.id)
