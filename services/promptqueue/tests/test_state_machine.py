"""Random sequences of verbs against a model of a few lines: whatever happens in whatever order, the promises hold."""

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from promptqueue.condition import Recovered
from promptqueue.errors import ClaimLost, NotRetryable, PromptNotFound
from promptqueue.lifecycle import GRACE
from promptqueue.prompt import Answered, Claim, ErrorCode, Failed, NewPrompt, Priority, PutBack, Status, Terms
from promptqueue.storage import connect

LEASE, MAX_FAILURES = 15.0, 3
MEMORY = "/dev/shm"  # thousands of commits that no power cut threatens


class Clock:
    def __init__(self):
        self.boot, self.now, self.date = "boot 0", 100.0, 1_700_000_000.0

    def monotonic(self):
        return self.now

    def wall(self):
        return self.date


@dataclass
class Expected:
    """What the model knows of one prompt."""

    seq: int
    lane: Priority
    expires_at: float | None
    timeout: float
    status: str = "queued"
    outcome: str | None = None
    attempt: int = 0
    failures: int = 0
    not_before: float | None = None
    boot: str | None = None
    worker: str | None = None
    leased_until: float = 0.0
    run_until: float = 0.0
    completed_at: float | None = None
    text: str = ""
    text_attempt: int = 0
    answer: dict | None = None
    owners: dict = field(default_factory=dict)
    may_wait: float | None = None
    bad_ends: int = 0
    is_refused: bool = False
    is_erased: bool = False


class QueueMachine(RuleBasedStateMachine):
    journal = "wal"

    def __init__(self):
        super().__init__()
        self.folder = tempfile.mkdtemp(dir=MEMORY if Path(MEMORY).is_dir() else None)
        self.clock = Clock()
        self.storage = connect(f"sqlite:///{self.folder}/queue.db", journal_mode=self.journal, clock=self.clock)
        self.queues = [self.storage.open() for _ in range(2)]
        self.prompts: dict[str, Expected] = {}
        self.ended: dict[str, object] = {}
        self.gone: list[str] = []
        self.workers: dict[str, object] = {}
        self.claims: list[Claim] = []
        self.paused = False
        self.sequence = self.steps = 0

    def teardown(self):
        for presence in self.workers.values():
            presence.leave()
        for queue in self.queues:
            queue.close()
        shutil.rmtree(self.folder)

    # Few rules with many ways each: Hypothesis leaves rules out at random, and most promises need several together.

    @initialize(data=st.data())
    def begin(self, data):
        for _ in range(2):
            self._register()
        self.ask(0, [*Priority] * 2, None, None)

    @rule(
        which=st.integers(0, 1),
        lanes=st.lists(st.sampled_from(Priority), min_size=1, max_size=3),
        expires_in=st.sampled_from([None, None, 5.0, 40.0]),
        timeout=st.sampled_from([None, None, 6.0, 30.0]),
    )
    def ask(self, which, lanes, expires_in, timeout):
        new = [NewPrompt(request={}, priority=lane, expires_in=expires_in, timeout=timeout) for lane in lanes]
        for one, lane in zip(self.queues[which].enqueue(*new), lanes, strict=True):
            self.sequence += 1
            self.prompts[one.prompt.id] = Expected(
                seq=self.sequence,
                lane=lane,
                expires_at=None if expires_in is None else self.clock.date + expires_in,
                may_wait=expires_in,
                timeout=60.0 if timeout is None else timeout,
            )

    @precondition(lambda self: self.prompts)
    @rule(which=st.integers(0, 1), data=st.data(), how=st.sampled_from(["cancel", "cancel", "delete", "retry"]))
    def withdraw(self, which, data, how):
        prompt_id = data.draw(st.sampled_from(self._in_order()))

        if how == "delete":
            self.queues[which].delete(prompt_id)
            self._forget(prompt_id)
            return
        if how == "retry":
            self._retry(self.queues[which], prompt_id)
            return

        self.queues[which].cancel(prompt_id)
        if self.prompts[prompt_id].status != "completed":
            self._complete(self.prompts[prompt_id], "cancelled")

    @precondition(lambda self: self.workers)
    @rule(which=st.integers(0, 1), data=st.data())
    def claim(self, which, data):
        worker = data.draw(st.sampled_from(list(self.workers)))
        terms = Terms(worker=worker, lease_seconds=LEASE, timeout_seconds=60.0, max_failures=MAX_FAILURES)

        claim = self.queues[which].claim(terms)

        self._claimed(claim)

    @precondition(lambda self: self.claims)
    @rule(
        which=st.integers(0, 1),
        data=st.data(),
        how=st.sampled_from(
            [
                "renew",
                "write",
                "write",
                "write",
                "answer",
                "fail",
                "fail",
                "put back",
                "bill",
                "refuse",
                "release",
                "answer and claim",
            ]
        ),
    )
    def use_a_claim(self, which, data, how):
        claim, queue = data.draw(st.sampled_from(self.claims)), self.queues[which]
        answered = Answered(record={"response": f"{claim.prompt.id} {claim.attempt}"}, tokens=1)
        match how:
            case "renew":
                if self._holds(claim, lambda: queue.renew(claim)):
                    self.prompts[claim.prompt.id].leased_until = self.clock.now + LEASE
            case "write":
                self._write(queue, claim, data.draw(st.sampled_from(["", "a", "bc"])))
            case "answer":
                self._answer(queue, claim, answered)
            case "fail" | "refuse":
                self._fail_with(queue, claim, ErrorCode.MODEL_REFUSED if how == "refuse" else None)
            case "put back" | "bill":
                self._put_back(queue, claim, counts=how == "bill")
            case "release":
                if self._holds(claim, lambda: queue.release(claim)):
                    self.prompts[claim.prompt.id].status = "queued"
            case "answer and claim":
                with queue.transaction():
                    self._answer(queue, claim, answered)
                    following = queue.claim(claim.terms)
                self._claimed(following)

    @rule(
        which=st.integers(0, 1),
        data=st.data(),
        how=st.sampled_from(["recover", "recover", "settle", "prune", "erase", "checkpoint"]),
    )
    def care(self, which, data, how):
        queue = self.queues[which]
        match how:
            case "recover":
                recovered = queue.recover()
                moved = [self._settle(expected) for expected in self.prompts.values()]
                assert recovered == Recovered(
                    requeued=moved.count("queued"), failed=moved.count("failed"), expired=moved.count("expired")
                )
            case "settle" if self.prompts:
                prompt_id = data.draw(st.sampled_from(self._in_order()))
                overdue = queue.get(prompt_id).overdue
                prompt = queue.settle(prompt_id)
                assert self._settle(self.prompts[prompt_id]) is not None or not overdue
                assert not prompt.overdue
            case "prune":
                older_than = data.draw(st.sampled_from([0.0, 20.0, 1_000.0]))
                pruned = queue.prune(older_than=older_than)
                old = [one for one in self._in_order() if self._completed_before(one, self.clock.date - older_than)]
                assert pruned == len(old)
                for prompt_id in old:
                    self._forget(prompt_id)
            case "erase":
                older_than = data.draw(st.sampled_from([0.0, 20.0]))
                never_ran = [one for one in self.prompts.values() if not one.attempt and not one.is_erased]
                old = [one for one in never_ran if (one.completed_at or self.clock.date) < self.clock.date - older_than]
                assert queue.erase_unrun(older_than=older_than) == len(old)
                for one in old:
                    one.is_erased = True
            case "checkpoint":
                self.storage.tidy()
                assert queue.compact() >= 0

    @rule(
        which=st.integers(0, 1),
        data=st.data(),
        what=st.sampled_from(
            ["time", "time", "time", "time", "die", "die", "date", "pause", "resume", "resume", "reopen", "reboot"]
        ),
    )
    def happen(self, which, data, what):
        match what:
            case "time":
                seconds = data.draw(st.sampled_from([0.5, 2.0, 4.0, 6.0, 14.5, 15.0, 15.0, 60.0]))
                self.clock.now += seconds
                self.clock.date += seconds
            case "die" if self.workers:
                self.workers.pop(data.draw(st.sampled_from(list(self.workers)))).leave()
                self._register()
            case "date":
                self.clock.date += data.draw(st.sampled_from([-3_600.0, 3_600.0]))
            case "pause" | "resume":
                self.paused = what == "pause"
                self.queues[which].pause(self.paused)
            case "reopen":
                self.queues[which].close()
                self.queues[which] = self.storage.open()
            case "reboot":
                self._reboot(data)

    def _register(self):
        presence = self.storage.register(slots=1)
        self.workers[presence.id] = presence

    def _reboot(self, data):
        self.clock.boot += "'"
        self.clock.now = 1.0
        self.clock.date += 30
        self.claims.clear()  # their processes are gone
        for name in list(self.workers):
            self.workers.pop(name).leave()
            self._register()

    def _claimed(self, claim):
        following = self._next()
        assert (claim and claim.prompt.id) == following
        if claim is None:
            return
        expected = self.prompts[following]
        expected.status, expected.attempt = "processing", expected.attempt + 1
        expected.boot, expected.worker, expected.not_before = self.clock.boot, claim.terms.worker, None
        expected.leased_until = self.clock.now + LEASE
        expected.run_until = self.clock.now + expected.timeout
        assert claim.attempt == expected.attempt
        assert claim.attempt not in expected.owners
        expected.owners[claim.attempt] = claim.terms.worker
        self.claims.append(claim)

    def _write(self, queue, claim, text):
        expected = self.prompts.get(claim.prompt.id)
        begun = expected is not None and expected.text_attempt == claim.attempt
        offset = len(expected.text) if begun else 0

        if self._holds(claim, lambda: queue.write(claim, text, offset=offset, tokens=offset)):
            expected.leased_until = self.clock.now + LEASE
            if text:
                expected.text = expected.text + text if begun else text
                expected.text_attempt = claim.attempt

    def _fail_with(self, queue, claim, code):
        if self._holds(claim, lambda: queue.finish(claim, Failed(cause="so", code=code))):
            expected = self.prompts[claim.prompt.id]
            expected.is_refused = code is not None
            self._fail(expected) if code is None else self._complete(expected, "failed")

    def _put_back(self, queue, claim, *, counts):
        if self._holds(claim, lambda: queue.finish(claim, PutBack(cause="so", counts=counts))):
            expected = self.prompts[claim.prompt.id]
            expected.failures += counts
            expected.bad_ends += 1
            if counts and expected.failures >= MAX_FAILURES:
                self._complete(expected, "failed")
                return
            expected.status, expected.boot = "queued", self.clock.boot
            delay = 2 ** (expected.bad_ends - 1)
            expected.not_before = self.clock.now + min(delay, 60) if expected.bad_ends > 1 else None

    def _retry(self, queue, prompt_id):
        expected = self.prompts[prompt_id]
        if expected.status == "completed" and (
            expected.outcome == "succeeded" or expected.is_refused or expected.is_erased
        ):
            with pytest.raises(NotRetryable):
                queue.retry(prompt_id)
            return
        was = expected.status
        assert queue.retry(prompt_id).status == ("queued" if was == "completed" else was)
        if was == "completed":
            self.sequence += 1
            self.ended.pop(prompt_id, None)
            expected.seq, expected.status, expected.outcome, expected.completed_at = self.sequence, "queued", None, None
            expected.failures = expected.bad_ends = 0
            expected.not_before = None
            if expected.may_wait is not None:
                expected.expires_at = self.clock.date + expected.may_wait

    def _answer(self, queue, claim, answered):
        if self._holds(claim, lambda: queue.finish(claim, answered)):
            expected = self.prompts[claim.prompt.id]
            self._complete(expected, "succeeded")
            expected.answer, expected.text = answered.record, ""

    # ---- what always holds ----

    @invariant()
    def every_prompt_stands_where_the_model_says(self):
        for queue, (prompt_id, expected) in self._each():
            prompt = queue.get(prompt_id)
            assert (prompt.status, prompt.outcome, prompt.attempt, prompt.failures) == (
                expected.status,
                expected.outcome,
                expected.attempt,
                expected.failures,
            )
            assert prompt.failures <= MAX_FAILURES
            if prompt.status == "completed":  # for good: nothing of it changes any more
                assert self.ended.setdefault(prompt_id, prompt) == prompt

    @precondition(lambda self: self.prompts)
    @invariant()
    def every_text_is_what_the_model_says(self):
        self.steps += 1
        prompt_id = self._in_order()[self.steps % len(self.prompts)]  # in turns: what is wrong stays wrong
        assert self.queues[0].partial(prompt_id) == self.prompts[prompt_id].text
        assert self.queues[1].answer(prompt_id) == self.prompts[prompt_id].answer
        assert (self.queues[1].request(prompt_id) is None) == self.prompts[prompt_id].is_erased

    @invariant()
    def places_count_from_one_without_gaps_in_the_order_of_the_lanes(self):
        waiting = [prompt_id for prompt_id, expected in self.prompts.items() if expected.status == "queued"]
        in_line = sorted(waiting, key=lambda prompt_id: (self.prompts[prompt_id].lane == "batch", self._seq(prompt_id)))

        assert [self.queues[0].position(prompt_id) for prompt_id in in_line] == list(range(1, len(in_line) + 1))

    @invariant()
    def the_newest_are_listed_first_all_and_by_status(self):
        for status in (None, [*Status][self.steps % len(Status)]):
            listed = [prompt.id for prompt in self.queues[1].newest(status=status, limit=1_000).prompts]
            wanted = [key for key, expected in self.prompts.items() if status in (None, expected.status)]
            assert listed == sorted(wanted, key=self._seq, reverse=True)

    @invariant()
    def counters_equal_a_real_count(self):
        run = self.queues[1]._database.run
        counted = run("SELECT status, priority, count(*) FROM prompts GROUP BY status, priority")
        kept = run("SELECT status, priority, prompts FROM counters WHERE prompts > 0")
        assert sorted(map(tuple, counted)) == sorted(map(tuple, kept))
        line = run("SELECT priority, seq / 256, count(*) FROM prompts WHERE status = 'queued' GROUP BY 1, 2")
        assert sorted(map(tuple, line)) == sorted(map(tuple, run("SELECT priority, block, prompts FROM line")))

        counts = self.queues[0].counts()
        statuses = [expected.status for expected in self.prompts.values()]
        told = (counts.queued, counts.processing, counts.completed, counts.paused)
        assert told == (*map(statuses.count, ["queued", "processing", "completed"]), self.paused)

    @invariant()
    def texts_go_with_their_prompts(self):
        run = self.queues[0]._database.run
        for table in ("requests", "answers", "partials"):
            assert not run(f"SELECT 1 FROM {table} WHERE seq NOT IN (SELECT seq FROM prompts)")

    @invariant()
    def what_was_deleted_is_found_nowhere(self):
        for prompt_id in self.gone[-2:]:
            with pytest.raises(PromptNotFound):
                self.queues[0].get(prompt_id)

    @invariant()
    def only_the_living_are_counted(self):
        assert self.queues[0].workers().count == len(self.workers)

    # ---- the model ----

    def _seq(self, prompt_id):
        return self.prompts[prompt_id].seq

    def _each(self):
        return ((self.queues[one[1].seq % 2], one) for one in self.prompts.items())

    def _next(self):
        ready = [
            (expected.lane == "batch", expected.seq, prompt_id)
            for prompt_id, expected in self.prompts.items()
            if expected.status == "queued"
            and not self._waits(expected)
            and (expected.expires_at is None or expected.expires_at > self.clock.date)
        ]
        return None if self.paused or not ready else min(ready)[2]

    def _waits(self, expected):
        return (
            expected.not_before is not None
            and expected.boot == self.clock.boot
            and expected.not_before > self.clock.now
        )

    def _holds(self, claim, verb):
        """Use a verb with a claim: it must work exactly when the claim is its prompt's newest and still held."""
        expected = self.prompts.get(claim.prompt.id)
        holds = expected is not None and expected.status == "processing" and expected.attempt == claim.attempt
        if holds:
            verb()
            return True
        with pytest.raises(ClaimLost):
            verb()
        return False

    def _complete(self, expected, outcome):
        expected.status, expected.outcome, expected.completed_at = "completed", outcome, self.clock.date

    def _fail(self, expected):
        expected.failures += 1
        if expected.failures >= MAX_FAILURES:
            self._complete(expected, "failed")
            return "failed"
        expected.status, expected.boot = "queued", self.clock.boot
        expected.not_before = self.clock.now + 2 ** (expected.failures - 1) if expected.failures > 1 else None
        return "queued"

    def _settle(self, expected):
        if expected.status == "queued" and expected.expires_at is not None and expected.expires_at <= self.clock.date:
            self._complete(expected, "expired")
            return "expired"
        if expected.status != "processing":
            return None
        lease_over, run_over = expected.leased_until <= self.clock.now, expected.run_until + GRACE <= self.clock.now
        if expected.boot == self.clock.boot and run_over and expected.run_until <= expected.leased_until:
            self._complete(expected, "failed")
            return "failed"
        if expected.boot != self.clock.boot or lease_over or expected.worker not in self.workers:
            moved = self._fail(expected)
            return self._settle(expected) or moved
        return None

    def _in_order(self):
        return sorted(self.prompts, key=self._seq)

    def _completed_before(self, prompt_id, moment):
        completed_at = self.prompts[prompt_id].completed_at
        return completed_at is not None and completed_at < moment

    def _forget(self, prompt_id):
        self.gone.append(prompt_id)
        del self.prompts[prompt_id]


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_no_sequence_of_verbs_breaks_a_promise(journal):
    machine = type("Machine", (QueueMachine,), {"journal": journal})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=80,
            stateful_step_count=50,
            deadline=None,
            derandomize="CI" in os.environ,
            print_blob=True,
            phases=set(Phase) - {Phase.shrink},  # shrinking takes minutes: do it by hand, with the printed blob
            suppress_health_check=list(HealthCheck),
        ),
    )
