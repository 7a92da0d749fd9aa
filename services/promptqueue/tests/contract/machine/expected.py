"""What should come of a sequence of verbs: a model of the queue in plain values, without storage, locks or text."""

from dataclasses import dataclass, replace

from promptqueue.lifecycle import ANSWER_KEPT, GRACE, HOLDER_GRACE
from promptqueue.prompt import Answered, ErrorCode, Failed, Origin, Priority, PutBack

from services.promptqueue.tests.memory.turns import Turns

LEASE, TIMEOUT, MAX_FAILURES = 15.0, 60.0, 3


@dataclass
class Expected:
    """One prompt, as it should stand."""

    seq: int
    lane: Priority
    owner: int
    expires_at: float | None
    may_wait: float | None
    timeout: float
    status: str = "queued"
    outcome: str | None = None
    attempt: int = 0
    failures: int = 0
    bad_ends: int = 0
    not_before: float | None = None
    boot: str | None = None
    worker: str | None = None
    leased_until: float = 0.0
    run_until: float = 0.0
    claimed_at: float = 0.0
    charged: int = 0
    completed_at: float | None = None
    text: str = ""
    text_attempt: int = 0
    answer: dict | None = None
    is_refused: bool = False
    is_erased: bool = False
    origin: Origin | None = None

    @property
    def holder(self):
        return self.origin and self.origin.holder

    @property
    def is_unkept(self):
        return self.origin is not None and not self.origin.is_kept

    def give_up(self):
        if self.is_unkept:
            self.origin = replace(self.origin, fingerprint=None)
        else:
            self.let_go()

    def let_go(self):
        self.origin = self.origin and replace(self.origin, holder=None, fingerprint=None, is_kept=True)


class Expectations:
    """All prompts, as they should stand."""

    def __init__(self, clock):
        self.clock = clock
        self.prompts: dict[str, Expected] = {}
        self.gone: list[str] = []
        self.living: set[str] = set()  # workers
        self.attending: set[str] = set()  # holders
        self.found_gone: dict[str, tuple[str, float]] = {}  # holders: in which boot, when
        self.paused = False
        self.turns = Turns()
        self.most_running: dict[int, int] = {}  # by owner; without a bound where none is said
        self.ends: list[tuple[str, str]] = []  # in which boot, how
        self.lengths: list[tuple[str, float, int]] = []  # of the line: in which boot, when by the clock nobody sets
        self._sequence = 0

    def in_order(self):
        return sorted(self.prompts, key=lambda prompt_id: self.prompts[prompt_id].seq)

    def line(self, lane=None, owner=None):
        """Who waits: all, or an owner's part of a lane."""
        queued = [one for one in self.in_order() if self.prompts[one].status == "queued"]
        wanted = [(lane, owner)] if lane else [*self.turns.turns]
        return [one for one in queued if (self.prompts[one].lane, self.prompts[one].owner) in wanted]

    def places(self):
        places = {}
        for lane, owner in self.turns.turns:
            before = len([one for one in self.line() if self.prompts[one].lane != lane]) if lane == "batch" else 0
            for rank, prompt_id in enumerate(self.line(lane, owner), 1):
                places[prompt_id] = before + self.turns.place(lane, owner, rank)
        return places

    def holds(self, claim):
        """Whether a claim is its prompt's newest, and not over."""
        expected = self.prompts.get(claim.prompt.id)
        return expected is not None and expected.status == "processing" and expected.attempt == claim.attempt

    # ---- what verbs do ----

    def accept(self, prompt_id, lane, owner, *, expires_in, timeout, origin):
        self.prompts[prompt_id] = Expected(
            seq=self._next_number(),
            lane=lane,
            owner=owner,
            expires_at=None if expires_in is None else self.clock.wall() + expires_in,
            may_wait=expires_in,
            timeout=TIMEOUT if timeout is None else timeout,
            origin=origin,
        )
        self._join(self.prompts[prompt_id])

    def claim(self, worker):
        """The id of the prompt that should be handed out; None where there should be none."""
        ready = [
            one
            for lane in self.turns.lanes_in_turn()
            for owner in self.turns.owners_in_turn(lane)
            if self._running(owner) < self.most_running.get(owner, 1_000)
            for one in self.line(lane, owner)
            if self._may_start(self.prompts[one])
        ]
        if self.paused or not ready:
            return None
        expected, now = self.prompts[ready[0]], self.clock.monotonic()
        expected.status, expected.attempt, expected.not_before = "processing", expected.attempt + 1, None
        expected.boot, expected.worker, expected.claimed_at = self.clock.boot, worker, now
        expected.charged = self.turns.take(expected.lane, expected.owner)
        expected.leased_until, expected.run_until = now + LEASE, now + expected.timeout
        return ready[0]

    def renew(self, claim):
        self.prompts[claim.prompt.id].leased_until = self.clock.monotonic() + LEASE

    def offset(self, claim):
        expected = self.prompts.get(claim.prompt.id)
        return len(expected.text) if expected and expected.text_attempt == claim.attempt else 0

    def write(self, claim, text):
        expected = self.prompts[claim.prompt.id]
        self.renew(claim)
        if text:
            expected.text = expected.text[: self.offset(claim)] + text
            expected.text_attempt = claim.attempt

    def finish(self, claim, ending):
        expected = self.prompts[claim.prompt.id]
        match ending:
            case Answered(record=record):
                self.complete(expected, "succeeded")
                expected.answer, expected.text = record, ""
            case Failed(code=ErrorCode()):
                expected.is_refused = True
                self.complete(expected, "failed")
            case Failed():
                self.fail(expected)
            case PutBack(counts=counts):
                expected.failures += counts
                expected.bad_ends += 1
                self._queue_again(expected, bad_ends=expected.bad_ends, may_end=counts, is_charged=counts)

    def fail(self, expected, *, is_charged=True):
        expected.failures += 1
        return self._queue_again(expected, bad_ends=expected.failures, is_charged=is_charged)

    def release(self, claim):
        self._charge(self.prompts[claim.prompt.id], is_charged=False)
        self._join(self.prompts[claim.prompt.id])

    def cancel(self, prompt_id):
        if self.prompts[prompt_id].status != "completed":
            self.complete(self.prompts[prompt_id], "cancelled")

    def may_retry(self, prompt_id):
        expected = self.prompts[prompt_id]
        is_over = expected.outcome == "succeeded" or expected.is_refused or expected.is_erased
        return expected.status != "completed" or not is_over

    def retry(self, prompt_id):
        """Whether it goes into the line again."""
        expected = self.prompts[prompt_id]
        if expected.status != "completed":
            return False
        expected.seq, expected.outcome = self._next_number(), None
        self._join(expected)
        expected.completed_at = expected.not_before = None
        expected.failures = expected.bad_ends = 0
        expected.let_go()
        if expected.may_wait is not None:
            expected.expires_at = self.clock.wall() + expected.may_wait
        return True

    def reattach(self, fingerprint, holder, owner):
        """The id of the prompt that should be given; None where there should be none."""
        since = self.clock.wall() - ANSWER_KEPT
        left_behind = [
            one
            for one in self.in_order()
            if self.prompts[one].holder not in (None, *self.attending)
            and (self.prompts[one].origin.fingerprint, self.prompts[one].owner) == (fingerprint, owner)
            and (self.prompts[one].completed_at is None or self.prompts[one].completed_at > since)
        ]
        if not left_behind:
            return None
        expected = self.prompts[left_behind[-1]]
        expected.origin = replace(expected.origin, holder=holder)
        return left_behind[-1]

    def recover(self):
        """Where all prompts go; some of them are erased."""
        held = {each.holder for each in self.prompts.values() if each.status != "completed" or each.is_unkept} - {None}
        moved = [self.settle(each) for each in self.prompts.values()]
        for prompt_id in [one for one, each in self.prompts.items() if each.is_unkept and self._is_to_erase(each)]:
            self.forget(prompt_id)
            moved.append("erased")
        for holder in held - self.attending:
            if holder not in self.found_gone or self.found_gone[holder][0] != self.clock.boot:
                self.found_gone[holder] = (self.clock.boot, self.clock.monotonic())
        return moved

    def settle(self, expected):
        """Where a prompt goes because a deadline of it has passed, or its client is gone; None if neither."""
        if expected.status != "completed" and self._is_abandoned(expected):
            expected.give_up()
            return self.complete(expected, "cancelled")
        if expected.status == "queued" and expected.expires_at is not None and expected.expires_at <= self.clock.wall():
            return self.complete(expected, "expired")
        if expected.status != "processing":
            return None
        now, is_this_boot = self.clock.monotonic(), expected.boot == self.clock.boot
        if is_this_boot and expected.run_until + GRACE <= now and expected.run_until <= expected.leased_until:
            return self.complete(expected, "failed")
        if not is_this_boot or expected.leased_until <= now or expected.worker not in self.living:
            moved = self.fail(expected, is_charged=False)
            return self.settle(expected) or moved
        return None

    def completed_before(self, moment):
        completed = ((one, self.prompts[one].completed_at) for one in self.in_order())
        return [one for one, completed_at in completed if completed_at is not None and completed_at < moment]

    def forget(self, prompt_id):
        expected = self.prompts[prompt_id]
        if expected.status == "queued":
            self.turns.leave(expected.lane, expected.owner)
        elif expected.status == "processing":
            self._charge(expected)
        self.gone.append(prompt_id)
        del self.prompts[prompt_id]

    def complete(self, expected, outcome, *, is_charged=True):
        if expected.status == "queued":
            self.turns.leave(expected.lane, expected.owner)
        elif expected.status == "processing":
            self._charge(expected, is_charged=is_charged)
        expected.status, expected.outcome, expected.completed_at = "completed", outcome, self.clock.wall()
        self.ends.append((self.clock.boot, outcome))
        return outcome

    def measure(self):
        """Keep how long the line is now."""
        self.lengths.append((self.clock.boot, self.clock.elapsed(), len(self.line())))

    def lengths_within(self, minute):
        """How long the line was at any moment of a minute that is named by the wall clock; empty where it is not known.

        That is where another boot may tell of it: before this one, and in the minute in which this one began.
        """
        began = minute - self.clock.wall() + self.clock.elapsed()
        if began <= 0:
            return set()
        of_this_boot = [(when, length) for boot, when, length in self.lengths if boot == self.clock.boot]
        before = [length for when, length in of_this_boot if when < began]
        return {*before[-1:], *(length for when, length in of_this_boot if began <= when < began + 60)}

    # ---- what they share ----

    def _join(self, expected):
        expected.status = "queued"
        self.turns.join(expected.lane, expected.owner, expected.seq)

    def _charge(self, expected, *, is_charged=True):
        is_measured = is_charged and expected.boot == self.clock.boot
        seconds = self.clock.monotonic() - expected.claimed_at if is_measured else None
        self.turns.end(expected.lane, expected.owner, expected.charged, seconds)

    def _running(self, owner):
        return sum(each.owner == owner and each.status == "processing" for each in self.prompts.values())

    def _next_number(self):
        self._sequence += 1
        return self._sequence

    def _is_abandoned(self, expected):
        boot, since = self.found_gone.get(expected.holder, (None, 0.0))
        return boot == self.clock.boot and since + HOLDER_GRACE <= self.clock.monotonic()

    def _is_to_erase(self, expected):
        return expected.status == "completed" and self._is_abandoned(expected)

    def _may_start(self, expected):
        is_delayed = (
            expected.not_before is not None
            and expected.boot == self.clock.boot
            and expected.not_before > self.clock.monotonic()
        )
        return not is_delayed and (expected.expires_at is None or expected.expires_at > self.clock.wall())

    def _queue_again(self, expected, *, bad_ends, may_end=True, is_charged=True):
        if may_end and expected.failures >= MAX_FAILURES:
            return self.complete(expected, "failed", is_charged=is_charged)
        self._charge(expected, is_charged=is_charged)
        self._join(expected)
        expected.boot = self.clock.boot
        delay = min(2 ** (bad_ends - 1), 60)
        expected.not_before = self.clock.monotonic() + delay if bad_ends > 1 else None
        return "queued"
