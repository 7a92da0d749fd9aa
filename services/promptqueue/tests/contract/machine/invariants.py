"""What holds after every step, whatever the steps were."""

import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition
from promptqueue.errors import PromptNotFound
from promptqueue.prompt import Status

from .expected import Expectations


class Invariants(RuleBasedStateMachine):
    """A queue that two threads have open, and what should be in it."""

    expected: Expectations

    def __init__(self):
        super().__init__()
        self.ended = {}  # how prompts stood when they were first seen completed
        self.steps = 0
        self.owners = {}  # their numbers, by their names

    @invariant()
    def every_prompt_stands_where_it_should_and_places_have_no_gaps(self):
        self.steps += 1
        places = self.expected.places()
        progress = self.queues[self.steps % 2].progress_of(list(self.expected.prompts))
        assert len(progress) == len(self.expected.prompts)
        for one in progress:
            prompt, expected = one.prompt, self.expected.prompts[one.prompt.id]
            stands = (prompt.status, prompt.outcome, prompt.attempt, prompt.failures)
            assert stands == (expected.status, expected.outcome, expected.attempt, expected.failures)
            assert one.position == places.get(prompt.id)
            assert one.text_length == len(expected.text)
            if prompt.status == "completed":  # for good: nothing of it changes any more
                assert self.ended.setdefault(prompt.id, prompt) == prompt

    @invariant()
    def each_owner_has_what_is_counted(self):
        turns, prompts = self.queues[self.steps % 2].turns(), self.expected.prompts.values()
        told = {(self.owners[turn.owner], turn.lane): [turn.waiting, turn.running] for turn in turns}
        statuses = ["queued", "processing"]
        theirs = {(each.owner, each.lane): [] for each in prompts if each.status in statuses}
        for each in prompts:
            if each.status in statuses:
                theirs[each.owner, each.lane].append(each.status)
        assert told == {who: [*map(counted.count, statuses)] for who, counted in theirs.items()}

    @precondition(lambda self: self.expected.prompts)
    @invariant()
    def one_is_told_as_it_should_be(self):
        prompt_id = self.expected.in_order()[self.steps % len(self.expected.prompts)]  # in turns: what is wrong stays
        expected, queue = self.expected.prompts[prompt_id], self.queues[0]
        [progress] = queue.progress_of([prompt_id])
        assert queue.get(prompt_id) == progress.prompt
        assert queue.belongs(prompt_id, expected.owner)
        assert not queue.belongs(prompt_id, expected.owner + 1)
        assert queue.position(prompt_id) == progress.position
        assert queue.partial(prompt_id) == expected.text
        assert queue.answer(prompt_id) == expected.answer
        assert (queue.request(prompt_id) is None) == expected.is_erased
        assert queue.origin(prompt_id) == (None if expected.is_erased else expected.origin)

    @precondition(lambda self: self.steps % 2)
    @invariant()
    def the_newest_are_listed_first_all_and_by_status(self):
        in_order = self.expected.in_order()
        for status in (None, [*Status][self.steps % len(Status)]):
            listed = [prompt.id for prompt in self.queues[1].newest(status=status, limit=1_000).prompts]
            assert listed[::-1] == [one for one in in_order if status in (None, self.expected.prompts[one].status)]

    @invariant()
    def all_are_counted(self):
        counts = self.queues[0].counts()
        statuses = [expected.status for expected in self.expected.prompts.values()]
        counted = (counts.queued, counts.processing, counts.completed, counts.paused)
        assert counted == (*map(statuses.count, ["queued", "processing", "completed"]), self.expected.paused)

    @invariant()
    def the_last_minutes_tell_of_each_end_once_and_of_the_line_what_was_so(self):
        self.expected.measure()
        minutes, ends = self.queues[self.steps % 2].history(60), self.expected.ends
        told = {"succeeded": sum(each.completed for each in minutes), "failed": sum(each.failed for each in minutes)}
        for outcome, number in told.items():
            of_this_boot = ends.count((self.expected.clock.boot, outcome))
            assert of_this_boot <= number <= sum(how == outcome for _, how in ends)
        assert minutes[-1].queued == len(self.expected.line())
        for each in minutes:
            were = self.expected.lengths_within(each.start)
            assert each.queued is None or not were or each.queued in were

    @invariant()
    def what_was_deleted_is_found_nowhere(self):
        for prompt_id in self.expected.gone[-2:]:
            with pytest.raises(PromptNotFound):
                self.queues[0].get(prompt_id)

    @invariant()
    def only_the_living_are_counted(self):
        assert self.queues[0].workers().count == len(self.expected.living)

    @precondition(lambda self: self.steps % 4 == 0)
    @invariant()
    def the_storage_is_in_order(self):
        self.backend.check(self.queues[1])
