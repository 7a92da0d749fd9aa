"""What is kept of owners equals what is counted of their prompts, after every verb of any sequence."""

import os
from collections import Counter
from contextlib import ExitStack, suppress

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
from promptqueue.errors import ClaimLost, NotRetryable
from promptqueue.owners.key import Role, new_key
from promptqueue.owners.owner import EVERYBODY, PAGES
from promptqueue.prompt import Answered, ErrorCode, Failed, NewPrompt, Outcome, Priority, PutBack, Status, Terms
from promptqueue.stored import stored_json

ENDINGS = {
    "answer": Answered(record={"response": "Größe", "prompt_eval_count": 5}, tokens=3),
    "fail": Failed(cause="so"),
    "refuse": Failed(cause="so", code=ErrorCode.MODEL_REFUSED),
    "put back": PutBack(cause="so", counts=True),
}
WITH_A_CLAIM = [*ENDINGS, *["answer"] * 2, "write", "release", "renew"]
WITH_A_PROMPT = ["cancel", "delete", "retry", "settle"]
CARE = [*["recover"] * 3, "prune", "erase_unrun", "die", *["time"] * 3, "day"]


class Ledger(RuleBasedStateMachine):
    """Several owners ask, and whatever their prompts come to is written down as an onlooker sees it."""

    backend = make_clock = None

    def __init__(self):
        super().__init__()
        self.opened = ExitStack()
        self.clock = type(self).make_clock()
        self.storage = self.opened.enter_context(self.backend.fresh(self.clock))
        self.queue = self.storage.open()
        self.opened.callback(self.queue.close)
        self.claims = []
        self.seen = {}  # prompts as they stood after the last verb, by their ids
        self.had = Counter()  # by owner and what
        self.begun = 0

    @initialize()
    def begin(self):
        users = [self.queue.add_key(new_key(), owner=name, role=Role.USER).owner.number for name in ("anna", "berta")]
        self.owners = [EVERYBODY, PAGES, *users]
        self.worker = self.storage.register(slots=1)

    def teardown(self):
        self.worker.leave()
        self.opened.close()

    @rule(
        owners=st.lists(st.integers(0, 3), min_size=1, max_size=3),
        lane=st.sampled_from(Priority),
        text=st.sampled_from(["", "x", "ä" * 40]),
        expires_in=st.sampled_from([None, None, 5.0]),
    )
    def ask(self, owners, lane, text, expires_in):
        more = {"priority": lane, "expires_in": expires_in}
        asked = [NewPrompt(request={"prompt": text}, owner=self.owners[each], **more) for each in owners]
        self.seen |= {one.prompt.id: one.prompt for one in self.queue.enqueue(*asked)}

    @rule()
    def claim(self):
        if claim := self.queue.claim(Terms(worker=self.worker.id, timeout_seconds=60.0)):
            self.claims.append(claim)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), how=st.sampled_from(WITH_A_CLAIM))
    def use_a_claim(self, data, how):
        claim = data.draw(st.sampled_from(self.claims))
        try:
            match how:
                case "write":
                    self.queue.write(claim, "", offset=0, tokens=2)
                case "release" | "renew":
                    getattr(self.queue, how)(claim)
                case _:
                    self.queue.finish(claim, ENDINGS[how])
        except ClaimLost:
            self.claims.remove(claim)

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), how=st.sampled_from(WITH_A_PROMPT))
    def use_a_prompt(self, data, how):
        prompt_id = data.draw(st.sampled_from(list(self.seen)))
        with suppress(NotRetryable):
            getattr(self.queue, how)(prompt_id)

    @rule(how=st.sampled_from(CARE), seconds=st.sampled_from([0.5, 6.0, 20.0]))
    def care(self, how, seconds):
        match how:
            case "recover":
                self.queue.recover()
            case "prune" | "erase_unrun":
                getattr(self.queue, how)(older_than=10.0)
            case "die":
                self.worker.leave()
                self.worker = self.storage.register(slots=1)
            case "time":
                self.clock.advance(seconds)
            case "day":
                self.clock.advance(24 * 3600.0)

    @invariant()
    def what_is_kept_is_what_is_counted(self):
        now = {one.prompt.id: one.prompt for one in self.queue.progress_of(list(self.seen))}
        for prompt_id, before in self.seen.items():
            if before.status is not Status.COMPLETED:
                self._write_down(before, now.get(prompt_id))
        self.seen = now

        lanes = Counter()
        for owner in self.owners:
            prompts = self.queue.newest(owner=owner, limit=1_000).prompts
            assert {prompt.id for prompt in prompts} == {one for one, prompt in now.items() if prompt.owner == owner}
            self._holds_what_it_has(owner, prompts)
            lanes.update(prompt.priority for prompt in prompts if prompt.status is Status.QUEUED)
        assert {lane: number for lane, number in self.queue.counts().lanes.items() if number} == lanes
        self._told_as_written_down()
        self.backend.check(self.queue)

    def _write_down(self, before, now):
        """Note how a prompt ended, if it did since it was seen `before`."""
        if now is not None and now.status is not Status.COMPLETED:
            return
        outcome = Outcome.CANCELLED if now is None else now.outcome  # one that is gone was deleted
        tokens = (before if now is None else now).tokens or 0
        read = 5 if outcome is Outcome.SUCCEEDED else 0
        self.had += Counter(
            {(before.owner, outcome): 1, (before.owner, "tokens"): tokens, (before.owner, "read"): read}
        )
        self.begun += before.status is Status.PROCESSING and outcome is not Outcome.EXPIRED

    def _holds_what_it_has(self, owner, prompts):
        has, statuses = self.queue.holdings(owner), [prompt.status for prompt in prompts]
        texts = [text for one in prompts for text in (self.queue.request(one.id), self.queue.answer(one.id)) if text]
        assert has.waiting == statuses.count(Status.QUEUED)
        assert has.running == statuses.count(Status.PROCESSING)
        assert has.stored_bytes == sum(len(stored_json(text).encode()) for text in texts)

    def _told_as_written_down(self):
        names = {each.name: each.number for each in self.queue.owners()}
        told = Counter()
        for day in self.queue.usage():
            number = names[day.owner]
            told += Counter({(number, outcome): getattr(day, outcome) for outcome in Outcome})
            told += Counter({(number, "tokens"): day.tokens, (number, "read"): day.prompt_tokens})
        assert told == +self.had
        measures = self.queue.measures()
        assert measures.ended == {each: sum(told[number, each] for number in self.owners) for each in Outcome}
        assert measures.tokens == sum(told[number, "tokens"] for number in self.owners)
        assert measures.prompt_tokens == sum(told[number, "read"] for number in self.owners)
        assert measures.waiting.count == measures.running.count == self.begun


@pytest.mark.filterwarnings("ignore::hypothesis.errors.NonInteractiveExampleWarning")
def test_what_owners_have_and_had_is_what_their_prompts_come_to_after_any_verbs(each_backend, clock):
    machine = type("Machine", (Ledger,), {"backend": each_backend, "make_clock": staticmethod(type(clock))})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            derandomize="CI" in os.environ,
            print_blob=True,
            phases=set(Phase) - {Phase.shrink},  # shrinking takes minutes: do it by hand, with the printed blob
            suppress_health_check=list(HealthCheck),
        ),
    )
