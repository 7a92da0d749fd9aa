"""Random sequences of verbs against a model of a few lines: whatever happens in whatever order, the promises hold."""

import os
import shutil
import tempfile
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from promptqueue.connect import connect
from promptqueue.errors import ClaimLost, PromptNotFound
from promptqueue.prompt import Answered, Claim, ErrorCode, Failed, NewPrompt, Priority, Recovered, Terms
from promptqueue.sqlite.rows import GRACE

LEASE, MAX_FAILURES = 15.0, 3


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


class QueueMachine(RuleBasedStateMachine):
    journal = "wal"

    def __init__(self):
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.clock = Clock()
        url = f"sqlite:///{self.folder}/queue.db"
        self.queues = [connect(url, journal_mode=self.journal, clock=self.clock) for _ in range(2)]
        self.prompts: dict[str, Expected] = {}
        self.ended: dict[str, object] = {}
        self.gone: list[str] = []
        self.workers: dict[str, object] = {}
        self.claims: list[Claim] = []
        self.paused = False
        self.sequence = 0

    def teardown(self):
        for presence in self.workers.values():
            presence.leave()
        for queue in self.queues:
            queue.close()
        shutil.rmtree(self.folder)

    # ---- asking ----

    @rule(
        which=st.integers(0, 1),
        lanes=st.lists(st.sampled_from(Priority), min_size=1, max_size=3),
        expires_in=st.sampled_from([None, None, 5.0, 40.0]),
        timeout=st.sampled_from([None, 6.0, 30.0]),
    )
    def enqueue(self, which, lanes, expires_in, timeout):
        new = [NewPrompt(request={}, priority=lane, expires_in=expires_in, timeout=timeout) for lane in lanes]
        for one, lane in zip(self.queues[which].enqueue(*new), lanes, strict=True):
            self.sequence += 1
            self.prompts[one.prompt.id] = Expected(
                seq=self.sequence,
                lane=lane,
                expires_at=None if expires_in is None else self.clock.date + expires_in,
                timeout=60.0 if timeout is None else timeout,
            )

    @precondition(lambda self: self.prompts)
    @rule(which=st.integers(0, 1), data=st.data())
    def cancel(self, which, data):
        prompt_id = data.draw(st.sampled_from(sorted(self.prompts, key=self._seq)))
        expected = self.prompts[prompt_id]

        self.queues[which].cancel(prompt_id)

        if expected.status != "completed":
            self._complete(expected, "cancelled")

    @precondition(lambda self: self.prompts)
    @rule(which=st.integers(0, 1), data=st.data())
    def delete(self, which, data):
        prompt_id = data.draw(st.sampled_from(sorted(self.prompts, key=self._seq)))

        self.queues[which].delete(prompt_id)

        self._forget(prompt_id)

    # ---- answering ----

    @precondition(lambda self: len(self.workers) < 3)
    @rule(which=st.integers(0, 1))
    def register(self, which):
        presence = self.queues[which].register(slots=1)
        self.workers[presence.id] = presence

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def die(self, data):
        name = data.draw(st.sampled_from(list(self.workers)))
        self.workers.pop(name).leave()

    @precondition(lambda self: self.workers)
    @rule(which=st.integers(0, 1), data=st.data())
    def claim(self, which, data):
        terms = Terms(
            worker=data.draw(st.sampled_from(list(self.workers))),
            lease_seconds=LEASE,
            timeout_seconds=60.0,
            max_failures=MAX_FAILURES,
        )

        claim = self.queues[which].claim(terms)

        following = self._next()
        assert (claim and claim.prompt.id) == following
        if claim is None:
            return
        expected = self.prompts[following]
        expected.status, expected.attempt = "processing", expected.attempt + 1
        expected.boot, expected.worker, expected.not_before = self.clock.boot, terms.worker, None
        expected.leased_until = self.clock.now + LEASE
        expected.run_until = self.clock.now + expected.timeout
        assert claim.attempt == expected.attempt
        assert claim.attempt not in expected.owners
        expected.owners[claim.attempt] = terms.worker
        self.claims.append(claim)

    @precondition(lambda self: self.claims)
    @rule(which=st.integers(0, 1), data=st.data())
    def renew(self, which, data):
        claim = data.draw(st.sampled_from(self.claims))

        if self._holds(claim, lambda: self.queues[which].renew(claim)):
            self.prompts[claim.prompt.id].leased_until = self.clock.now + LEASE

    @precondition(lambda self: self.claims)
    @rule(which=st.integers(0, 1), data=st.data(), text=st.sampled_from(["", "a", "bc"]))
    def write(self, which, data, text):
        claim = data.draw(st.sampled_from(self.claims))
        expected = self.prompts.get(claim.prompt.id)
        begun = expected is not None and expected.text_attempt == claim.attempt
        offset = len(expected.text) if begun else 0

        if self._holds(claim, lambda: self.queues[which].write(claim, text, offset=offset, tokens=offset)):
            expected.leased_until = self.clock.now + LEASE
            if text:
                expected.text = expected.text + text if begun else text
                expected.text_attempt = claim.attempt

    @precondition(lambda self: self.claims)
    @rule(which=st.integers(0, 1), data=st.data(), how=st.sampled_from(["answered", "failed", "refused", "released"]))
    def end(self, which, data, how):
        claim = data.draw(st.sampled_from(self.claims))
        queue = self.queues[which]
        record = {"response": f"{claim.prompt.id} {claim.attempt}"}
        verbs = {
            "answered": lambda: queue.finish(claim, Answered(record=record, tokens=1)),
            "failed": lambda: queue.finish(claim, Failed(cause="so")),
            "refused": lambda: queue.finish(claim, Failed(cause="so", code=ErrorCode.MODEL_REFUSED)),
            "released": lambda: queue.release(claim),
        }

        if not self._holds(claim, verbs[how]):
            return
        expected = self.prompts[claim.prompt.id]
        match how:
            case "answered":
                self._complete(expected, "succeeded")
                expected.answer, expected.text = record, ""
            case "failed":
                self._fail(expected)
            case "refused":
                self._complete(expected, "failed")
            case "released":
                expected.status, expected.not_before = "queued", None

    @precondition(lambda self: self.claims)
    @rule(which=st.integers(0, 1), data=st.data())
    def finish_and_claim_in_one_commit(self, which, data):
        claim = data.draw(st.sampled_from(self.claims))
        record = {"response": "shared"}
        following = None

        with self.queues[which].transaction():
            if self._holds(claim, lambda: self.queues[which].finish(claim, Answered(record=record, tokens=1))):
                self._complete(self.prompts[claim.prompt.id], "succeeded")
                self.prompts[claim.prompt.id].answer, self.prompts[claim.prompt.id].text = record, ""
            following = self.queues[which].claim(claim.terms)
            expected_id = self._next()
            if following is not None:
                self.queues[which].release(following)

        assert (following and following.prompt.id) == expected_id
        if following is not None:
            self.prompts[expected_id].attempt += 1
            self.prompts[expected_id].not_before = None

    # ---- caring ----

    @rule(which=st.integers(0, 1))
    def recover(self, which):
        recovered = self.queues[which].recover()

        moved = [self._settle(expected) for expected in self.prompts.values()]
        assert recovered == Recovered(
            requeued=moved.count("queued"), failed=moved.count("failed"), expired=moved.count("expired")
        )

    @precondition(lambda self: self.prompts)
    @rule(which=st.integers(0, 1), data=st.data())
    def settle(self, which, data):
        prompt_id = data.draw(st.sampled_from(sorted(self.prompts, key=self._seq)))
        overdue = self.queues[which].get(prompt_id).overdue

        prompt = self.queues[which].settle(prompt_id)

        moved = self._settle(self.prompts[prompt_id])
        assert moved is not None or not overdue
        assert prompt.status == self.prompts[prompt_id].status
        assert not prompt.overdue

    @rule(which=st.integers(0, 1), older_than=st.sampled_from([0.0, 20.0, 1_000.0]))
    def prune(self, which, older_than):
        pruned = self.queues[which].prune(older_than=older_than)

        before = self.clock.date - older_than
        old = [
            prompt_id
            for prompt_id, expected in self.prompts.items()
            if expected.completed_at is not None and expected.completed_at < before
        ]
        assert pruned == len(old)
        for prompt_id in old:
            self._forget(prompt_id)

    @rule(which=st.integers(0, 1), paused=st.booleans())
    def pause(self, which, paused):
        self.queues[which].pause(paused)
        self.paused = paused

    @rule(which=st.integers(0, 1))
    def checkpoint(self, which):
        self.queues[which].checkpoint()

    @rule(which=st.integers(0, 1))
    def reopen(self, which):
        self.queues[which].close()
        self.queues[which] = connect(f"sqlite:///{self.folder}/queue.db", journal_mode=self.journal, clock=self.clock)

    @rule(seconds=st.sampled_from([0.5, 2.0, 4.0, 6.0, 14.5, 15.0, 60.0]))
    def time_passes(self, seconds):
        self.clock.now += seconds
        self.clock.date += seconds

    @rule(seconds=st.sampled_from([-3_600.0, 3_600.0]))
    def wall_clock_is_set(self, seconds):
        self.clock.date += seconds

    @rule()
    def machine_reboots(self):
        self.clock.boot += "'"
        self.clock.now = 1.0
        self.clock.date += 30
        self.claims.clear()  # their processes are gone
        while self.workers:
            self.workers.popitem()[1].leave()

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
            assert queue.partial(prompt_id) == expected.text
            assert queue.answer(prompt_id) == expected.answer

    @invariant()
    def a_completed_prompt_never_changes(self):
        for queue, (prompt_id, expected) in self._each():
            if expected.status == "completed":
                prompt = queue.get(prompt_id)
                assert self.ended.setdefault(prompt_id, prompt) == prompt

    @invariant()
    def places_count_from_one_without_gaps_in_the_order_of_the_lanes(self):
        waiting = [prompt_id for prompt_id, expected in self.prompts.items() if expected.status == "queued"]
        in_line = sorted(waiting, key=lambda prompt_id: (self.prompts[prompt_id].lane == "batch", self._seq(prompt_id)))

        assert [self.queues[0].position(prompt_id) for prompt_id in in_line] == list(range(1, len(in_line) + 1))

    @invariant()
    def counters_equal_a_real_count(self):
        run = self.queues[1]._database.run
        counted = run("SELECT status, priority, count(*) FROM prompts GROUP BY status, priority")
        kept = run("SELECT status, priority, prompts FROM counters WHERE prompts > 0")
        assert sorted(map(tuple, counted)) == sorted(map(tuple, kept))

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
            derandomize="CI" in os.environ,  # noqa: TID251 (a test's own entry)
            print_blob=True,
            phases=set(Phase) - {Phase.shrink},  # shrinking takes minutes: do it by hand, with the printed blob
            suppress_health_check=list(HealthCheck),
        ),
    )
