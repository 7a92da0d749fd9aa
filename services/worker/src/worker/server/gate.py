"""The gate: whether a prompt may be claimed for a server, and if not, why."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from promptqueue.condition import ModelState
from promptqueue.prompt import Claim, PutBack

from worker.drain import Drain
from worker.ollama.call_end import CallEnd, EndKind
from worker.server.breaker import Breaker
from worker.server.evidence import Evidence
from worker.server.verdict import Verdict

ASK_EVERY = 1.0  # seconds between two questions to a server that cannot serve, or two tries
ASK_SELDOM_EVERY = 4.0  # seconds, once that has lasted for a minute: what comes back is used within five
SELDOM_AFTER = 60.0  # seconds
LONGEST_RETRY_AFTER = 60.0  # seconds that the server may ask to be left alone
LEFT_AFTER = 30.0  # seconds; for so long a server that starts up may answer nothing
LONGEST_DELAY = 15.0  # seconds until a prompt that was put back is tried again

STATES = {
    Verdict.AWAY: ModelState.UNREACHABLE,
    Verdict.TROUBLED: ModelState.TROUBLED,
    Verdict.MISSING: ModelState.MISSING,
    Verdict.STORE_BROKEN: ModelState.MISSING,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """Why nothing is claimed. It is over when the prober has found the server, or its model, well again."""

    verdict: Verdict
    reason: str
    since: float  # by the monotonic clock
    ask_at: float = float("-inf")  # likewise: not to be asked before
    retry_at: float | None = None  # the same by the wall clock, where somebody has named a time
    by_load: bool = False  # what answers questions is to prove that it can load the model


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """How the server is, for everybody to read."""

    state: ModelState
    reason: str | None = None
    retry_at: float | None = None  # by the wall clock
    percent: int | None = None  # of a download


class Gate:
    """Slots ask it before they claim and report every bad end to it; the prober shuts it and opens it again."""

    def __init__(self, *, patience: float, drain: Drain) -> None:
        """Be shut until the prober has seen that the server is there."""
        self._drain = drain
        self.others: Sequence[Gate] = ()
        """Those of the worker's other servers."""
        self._admits = self._admitted = 0
        self._moved = threading.Condition()
        self.evidence = Evidence(patience=patience)
        self._breaker = Breaker()
        self._hold: Hold | None = Hold(verdict=Verdict.AWAY, reason="it was not asked yet", since=float("-inf"))
        self._trouble = Report(state=ModelState.TROUBLED)  # as long as the breaker is open
        self._troubled_since = 0.0
        self.changed = threading.Event()
        """Set when the prober has something to look at; the prober clears it."""

    @property
    def is_well(self) -> bool:
        """Whether any number of prompts may be claimed."""
        return self._hold is None and not self._breaker.is_open

    @property
    def may_go_on(self) -> bool:
        """Whether who has a prompt in hand may claim another at its end, without asking for it."""
        return self.is_well and self._admitted <= self._admits

    @property
    def admits(self) -> int:
        """How many prompts may be in hand at a time."""
        return self._admits

    @property
    def admitted(self) -> int:
        """How many slots have a prompt in hand, or are about to."""
        return self._admitted

    @property
    def hold(self) -> Hold | None:
        """Why nothing is claimed; None while the gate is open."""
        return self._hold

    @property
    def report(self) -> Report:
        """How the server is, for everybody to read."""
        with self._moved:
            if self._hold:
                hold = self._hold
                return Report(state=STATES[hold.verdict], reason=hold.reason, retry_at=hold.retry_at)
            return self._trouble if self._breaker.is_open else Report(state=ModelState.READY)

    # ---- for the slots ----------------------------------------------------------------------------------------------

    def may_claim(self, who: object, timeout: float) -> bool:
        """Wait until `who` may claim a prompt, at most `timeout` seconds; whether it may.

        If so, `who` reports the end of what it claims, and says in any case when it is `done`.
        """
        until = time.monotonic() + timeout
        with self._moved:
            while not self._drain.has_begun:
                is_open = self._hold is None and self._admitted < self._admits
                if is_open and self._breaker.may_claim(who):
                    self._admitted += 1
                    return True
                now, wake_at = time.monotonic(), until
                if is_open and not self._breaker.is_trying:
                    wake_at = min(until, self._breaker.retry_at)
                if now >= until:
                    break
                self._moved.wait(max(0.0, wake_at - now))
        return False

    def done(self, who: object) -> None:
        """`who` has no prompt in hand any more."""
        with self._moved:
            was_full = self._admitted >= self._admits
            self._admitted -= 1
            if self._breaker.done(who) or was_full:
                self._moved.notify_all()

    def answered(self, prompt_id: str) -> None:
        """The server has answered this prompt."""
        with self._moved:
            self.evidence.answered(prompt_id)
            if self._breaker.succeeded():
                self._notify()

    def ended(self, claim: Claim, end: CallEnd, verdict: Verdict, *, who: object, claimed_at: float) -> PutBack | None:
        """Judge an end that is not known to be the prompt's doing, or time's: how its prompt is put back.

        None where it costs the prompt nothing, because the server is at fault: the gate is shut then. Where the prompt
        brings the same end again after the server has proved that it can serve, nobody knows: one prompt must not stop
        the line. Nor must one that was in hand each time when the server went.
        """
        with self._moved:
            if not verdict.is_servers:
                return self._unclear(claim, end, who=who, claimed_at=claimed_at)
            is_gone = verdict is Verdict.AWAY
            was_in_hand = is_gone and end.kind not in (EndKind.NOT_CONNECTED, EndKind.REDIRECTED)
            may_repeat = was_in_hand or verdict in (Verdict.TROUBLED, Verdict.STORE_BROKEN)
            is_excused = not may_repeat or self.evidence.excuses(claim.prompt.id, "gone" if is_gone else end.for_log)
            if is_gone or is_excused:
                shown = Verdict.TROUBLED if is_gone and end.has_answered else verdict
                by_load = verdict is Verdict.TROUBLED
                self.shut(shown, end.why_unwell, retry_after=end.retry_after, by_load=by_load)
            if is_excused:
                return None
            return self._unclear(claim, end, who=who, claimed_at=claimed_at, is_servers=True)

    # ---- for whoever holds the slots --------------------------------------------------------------------------------

    def admit(self, slots: int) -> None:
        """Let so many prompts be in hand at a time; what is in hand already goes on."""
        with self._moved:
            self._admits = slots
            self._notify()

    # ---- for the prober ---------------------------------------------------------------------------------------------

    def shut(
        self,
        verdict: Verdict,
        reason: str,
        *,
        retry_after: float | None = None,
        retry_at: float | None = None,
        by_load: bool = False,
    ) -> None:
        """Let nothing be claimed: the server, or its model, is not well.

        `retry_after` is when it may be asked again, in seconds; `retry_at` when anything will come of that.
        """
        with self._moved:
            now, wait = time.monotonic(), min(retry_after or 0.0, LONGEST_RETRY_AFTER)
            self._hold = Hold(
                verdict=verdict,
                reason=reason,
                since=self._hold.since if self._hold and self._hold.since > float("-inf") else now,
                ask_at=now + wait,
                retry_at=time.time() + wait if wait else retry_at,
                by_load=by_load,
            )
            self._notify()

    def reopen(self, hold: Hold, *, is_proved: bool = True) -> bool:
        """End this hold, unless there is another one by now; whether it has ended.

        Where nothing `is_proved` one prompt is tried first.
        """
        with self._moved:
            if self._hold is not hold:
                return False
            self._hold = None
            if hold.verdict is Verdict.AWAY:
                self._breaker.succeeded()  # what has come back is as good as new
            if is_proved:
                self.evidence.proved()
            else:
                self._breaker.suspects()
                self._trouble = Report(state=ModelState.TROUBLED, reason=hold.reason)
            self._notify()
            return True

    def wake(self) -> None:
        """End all waiting: the worker is to end."""
        with self._moved:
            self._notify()

    def _unclear(
        self, claim: Claim, end: CallEnd, *, who: object, claimed_at: float, is_servers: bool = False
    ) -> PutBack:
        trouble, was_open = claim.trouble, self._breaker.is_open
        counts = self.evidence.ended_badly(
            claim.prompt.id,
            trouble,
            claimed_at=claimed_at,
            elsewhere=[other.evidence for other in self.others],
            may_try_elsewhere=_can_any(self.others),
        )
        if not was_open:
            self._troubled_since = time.monotonic()
        pause = ask_every(self._troubled_since) if is_servers else None
        if self._breaker.failed(who, pause=pause):
            reason = f"calls keep ending badly, the last: {end.why_unwell if is_servers else end.outline}"
            retry_at = time.time() + self._breaker.retry_at - time.monotonic()
            self._trouble = Report(state=ModelState.TROUBLED, reason=reason, retry_at=retry_at)
            self._notify()
        # Half of what the breaker waits, at most, so that a prompt which is alone can be the one that is tried.
        later = min(2.0 ** (trouble.bad_ends - 3), LONGEST_DELAY) if pause is None else pause / 2
        return PutBack(cause=end.cause, counts=counts, delay=later if trouble.bad_ends else 0.0)

    def _notify(self) -> None:
        self.changed.set()
        self._moved.notify_all()


def ask_every(since: float) -> float:
    """Seconds between two questions to a server that has not been well `since` then, by the monotonic clock."""
    return ASK_EVERY if time.monotonic() - since < SELDOM_AFTER else ASK_SELDOM_EVERY


def means(gate: Gate, prompt_id: str) -> bool:
    """Whether a refusal that a server may give to everybody means this prompt: others were answered there lately.

    Not while another server, which has not had the prompt yet, could have it: that one may take it.
    """
    others = [other for other in gate.others if not other.evidence.has_ended(prompt_id)]
    return gate.evidence.has_answered_lately and not _can_any(others)


def is_left(gate: Gate, heard_at: float) -> bool:
    """Whether a call that heard its last at this moment is to wait no longer, though it is still connected.

    The server has answered nothing to anybody for half a minute, and another could have the prompt.
    """
    hold = gate.hold
    if hold is None or hold.verdict is not Verdict.AWAY:
        return False
    return time.monotonic() - max(hold.since, heard_at) >= LEFT_AFTER and _can_any(gate.others)


def _can_any(servers: Sequence[Gate]) -> bool:
    return any(server.is_well and server.admits for server in servers)
