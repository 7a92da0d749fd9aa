"""Random sequences of verbs, and of what happens meanwhile.

Few rules with many ways each: Hypothesis leaves rules out at random, and most promises need several together.
"""

from contextlib import ExitStack

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from promptqueue.condition import Recovered
from promptqueue.errors import ClaimLost, NotRetryable
from promptqueue.owners.key import Role, new_key
from promptqueue.prompt import Answered, ErrorCode, Failed, NewPrompt, Origin, Priority, PutBack, Terms

from .expected import LEASE, MAX_FAILURES, TIMEOUT, Expectations
from .invariants import Invariants

ENDINGS = {
    "fail": Failed(cause="so"),
    "refuse": Failed(cause="so", code=ErrorCode.MODEL_REFUSED),
    "put back": PutBack(cause="so", counts=False),
    "bill": PutBack(cause="so", counts=True),
}
WITH_A_CLAIM = ["renew", *["write"] * 3, "release", "answer", "answer and claim", "fail", *ENDINGS]
WITHDRAWALS = ["cancel", "cancel", "leave", "delete", "retry"]
CARE = [*["recover"] * 3, "settle", "prune", "erase", "compact", *["observe"] * 2]
EVENTS = [*["time"] * 4, *["die", "abandon", "resume"] * 2, "leave", "date", "pause", "reopen", "reboot"]
OWNERS = ["everybody", "pages", "anna", "bert"]
MOST_RUNNING = 2  # of an owner with a key
SECONDS = [0.5, 2.0, 4.0, 6.0, 14.5, 15.0, 15.0, 60.0]


class Verbs(Invariants):
    """Goes on with a queue of `backend` as Hypothesis draws, by a clock that `make_clock` makes."""

    backend = make_clock = None

    def __init__(self):
        super().__init__()
        self.opened = ExitStack()
        self.clock = type(self).make_clock()
        self.storage = self.opened.enter_context(self.backend.fresh(self.clock))
        self.queues = [self.storage.open() for _ in range(2)]
        self.expected = Expectations(self.clock)
        self.workers = {}  # their presences, by their ids
        self.holders = {}  # likewise
        self.claims = []
        self.seen = [None, None]  # by who observes with each queue

    def teardown(self):
        for presence in [*self.workers.values(), *self.holders.values()]:
            presence.leave()
        for queue in self.queues:
            queue.close()
        self.opened.close()

    @initialize()
    def begin(self):
        for _ in range(2):
            self._register()
            self._attend()
        for name in OWNERS[2:]:
            self.queues[0].add_key(new_key(), owner=name, role=Role.USER)
        self.queues[1].limit_owner("anna", {"running": 1}, weight=2.0)
        self.owners = {each.name: each.number for each in self.queues[0].owners()}
        anna, bert = self.owners["anna"], self.owners["bert"]
        self.expected.turns.weights[anna] = 2.0
        self.expected.most_running = {anna: 1, bert: MOST_RUNNING}
        self.ask(0, [*Priority] * 2, "everybody", None, None, "held")

    @rule(
        which=st.integers(0, 1),
        lanes=st.lists(st.sampled_from(Priority), min_size=1, max_size=3),
        owner=st.sampled_from(OWNERS),
        expires_in=st.sampled_from([None, None, 5.0, 40.0]),
        timeout=st.sampled_from([None, None, 6.0, 30.0]),
        call=st.sampled_from([None, "background", "held", "held", "unkept"]),
    )
    def ask(self, which, lanes, owner, expires_in, timeout, call):
        holder = list(self.holders)[len(lanes) % len(self.holders)] if call in ("held", "unkept") else None
        fingerprint, is_kept = holder and "f", call != "unkept"
        echo = {"n": len(lanes)}
        origin = call and Origin(face="a", echo=echo, fingerprint=fingerprint, holder=holder, is_kept=is_kept)
        more = {"expires_in": expires_in, "timeout": timeout, "origin": origin}
        owner = self.owners[owner]
        new = [NewPrompt(request={}, priority=lane, owner=owner, **more) for lane in lanes]
        for one, lane in zip(self.queues[which].enqueue(*new), lanes, strict=True):
            self.expected.accept(one.prompt.id, lane, owner, **more)
            assert one.position == self.expected.places()[one.prompt.id]

    @precondition(lambda self: self.expected.prompts)
    @rule(which=st.integers(0, 1), data=st.data(), how=st.sampled_from(WITHDRAWALS))
    def withdraw(self, which, data, how):
        prompt_id, queue = data.draw(st.sampled_from(self.expected.in_order())), self.queues[which]
        match how:
            case "delete":
                queue.delete(prompt_id)
                self.expected.forget(prompt_id)
            case "cancel":
                queue.cancel(prompt_id)
                self.expected.cancel(prompt_id)
            case "leave":
                with queue.transaction():
                    queue.cancel(prompt_id)
                    queue.let_go(prompt_id)
                self.expected.cancel(prompt_id)
                self.expected.prompts[prompt_id].let_go()
            case "retry" if self.expected.may_retry(prompt_id):
                queue.retry(prompt_id)
                if self.expected.retry(prompt_id):
                    self.ended.pop(prompt_id, None)
            case "retry":
                with pytest.raises(NotRetryable):
                    queue.retry(prompt_id)

    @rule(which=st.integers(0, 1), holder=st.integers(0, 1), owner=st.sampled_from(OWNERS))
    def come_again(self, which, holder, owner):
        holder, owner = list(self.holders)[holder], self.owners[owner]
        given = self.queues[which].reattach("a", "f", holder=holder, owner=owner)
        assert (given and given.id) == self.expected.reattach("f", holder, owner)

    @precondition(lambda self: self.workers)
    @rule(which=st.integers(0, 1), data=st.data())
    def claim(self, which, data):
        worker = data.draw(st.sampled_from(list(self.workers)))
        terms = Terms(
            worker=worker,
            lease_seconds=LEASE,
            timeout_seconds=TIMEOUT,
            max_failures=MAX_FAILURES,
            most_running=MOST_RUNNING,
        )
        self._claim(self.queues[which], terms)

    @precondition(lambda self: self.claims)
    @rule(which=st.integers(0, 1), data=st.data(), how=st.sampled_from(WITH_A_CLAIM))
    def use_a_claim(self, which, data, how):
        claim, queue, expected = data.draw(st.sampled_from(self.claims)), self.queues[which], self.expected
        match how:
            case "renew":
                if self._works(claim, lambda: queue.renew(claim)):
                    expected.renew(claim)
            case "write":
                text, offset = data.draw(st.sampled_from(["", "a", "bc"])), expected.offset(claim)
                if self._works(claim, lambda: queue.write(claim, text, offset=offset, tokens=offset)):
                    expected.write(claim, text)
            case "release":
                if self._works(claim, lambda: queue.release(claim)):
                    expected.release(claim)
            case "answer and claim":
                with queue.transaction():
                    self._finish(queue, claim, self._answer(claim))
                    self._claim(queue, claim.terms)
            case _:
                self._finish(queue, claim, self._answer(claim) if how == "answer" else ENDINGS[how])

    @rule(which=st.integers(0, 1), data=st.data(), how=st.sampled_from(CARE))
    def care(self, which, data, how):
        queue, expected = self.queues[which], self.expected
        match how:
            case "recover":
                self._recover(queue)
            case "settle" if expected.prompts:
                prompt_id = data.draw(st.sampled_from(expected.in_order()))
                was_overdue = queue.get(prompt_id).overdue
                assert not queue.settle(prompt_id).overdue
                assert expected.settle(expected.prompts[prompt_id]) is not None or not was_overdue
            case "prune":
                older_than = data.draw(st.sampled_from([0.0, 20.0, 1_000.0]))
                old = expected.completed_before(self.clock.wall() - older_than)
                assert queue.prune(older_than=older_than) == len(old)
                for prompt_id in old:
                    expected.forget(prompt_id)
            case "erase":
                older_than = data.draw(st.sampled_from([0.0, 20.0]))
                ended = [expected.prompts[one] for one in expected.completed_before(self.clock.wall() - older_than)]
                unrun = [each for each in ended if not each.attempt and not each.is_erased]
                assert queue.erase_unrun(older_than=older_than) == len(unrun)
                for each in unrun:
                    each.is_erased, each.origin = True, None
            case "observe":
                self.seen[which] = queue.observe(self.seen[which])
            case "compact":
                self.storage.tidy()
                assert queue.compact() >= 0

    @rule(which=st.integers(0, 1), data=st.data(), what=st.sampled_from(EVENTS))
    def happen(self, which, data, what):
        match what:
            case "time":
                self.clock.advance(data.draw(st.sampled_from(SECONDS)))
            case "die" if self.workers:
                self._let_die(data.draw(st.sampled_from(list(self.workers))))
                self._register()
            case "leave":
                self._let_leave(data.draw(st.sampled_from(list(self.holders))))
                self._attend()
            case "abandon":  # found gone, and nobody comes for a minute
                self._let_leave(data.draw(st.sampled_from(list(self.holders))))
                self._attend()
                self._recover(self.queues[which])
                self.clock.advance(60.0)
            case "date":
                self.clock.step_wall(data.draw(st.sampled_from([-3_600.0, 3_600.0])))
            case "pause" | "resume":
                self.expected.paused = what == "pause"
                self.queues[which].pause(self.expected.paused)
            case "reopen":
                self.queues[which].close()
                self.queues[which] = self.storage.open()
            case "reboot" if self.backend.outlives_a_reboot:
                self._reboot()

    def _recover(self, queue):
        moved = self.expected.recover()
        assert queue.recover() == Recovered(
            requeued=moved.count("queued"),
            failed=moved.count("failed"),
            expired=moved.count("expired"),
            cancelled=moved.count("cancelled"),
            erased=moved.count("erased"),
        )

    def _reboot(self):
        self.clock.reboot()
        self.claims.clear()  # their processes are gone
        for worker in list(self.workers):
            self._let_die(worker)
            self._register()
        for holder in list(self.holders):
            self._let_leave(holder)
            self._attend()

    def _register(self):
        presence = self.storage.register(slots=1)
        self.workers[presence.id] = presence
        self.expected.living.add(presence.id)

    def _attend(self):
        presence = self.storage.attend()
        self.holders[presence.id] = presence
        self.expected.attending.add(presence.id)

    def _let_leave(self, holder):
        self.holders.pop(holder).leave()
        self.expected.attending.remove(holder)

    def _let_die(self, worker):
        self.workers.pop(worker).leave()
        self.expected.living.remove(worker)

    def _claim(self, queue, terms):
        claim = queue.claim(terms)
        assert (claim and claim.prompt.id) == self.expected.claim(terms.worker)
        if claim:
            assert claim.attempt == self.expected.prompts[claim.prompt.id].attempt
            self.claims.append(claim)

    def _answer(self, claim):
        return Answered(record={"response": f"{claim.prompt.id} {claim.attempt}"}, tokens=1)

    def _finish(self, queue, claim, ending):
        if self._works(claim, lambda: queue.finish(claim, ending)):
            self.expected.finish(claim, ending)

    def _works(self, claim, verb):
        """Use a verb with a claim: it must work exactly when the claim still holds."""
        if self.expected.holds(claim):
            verb()
            return True
        with pytest.raises(ClaimLost):
            verb()
        return False
