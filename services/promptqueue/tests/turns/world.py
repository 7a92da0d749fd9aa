"""A world of owners who ask and slots that answer, by the rule of turns alone: seconds pass as they are counted."""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from itertools import count

from promptqueue.prompt import Priority

from services.promptqueue.tests.memory.turns import LEAST, OwnTurn, Turns


@dataclass(order=True)
class Asked:
    """A prompt; of one owner the least number comes first."""

    number: int
    owner: int = field(compare=False)
    lane: Priority = field(compare=False)
    seconds: float = field(compare=False)
    not_before: float = field(default=0.0, compare=False)
    charged: int = field(default=0, compare=False)

    @property
    def cost(self):
        return max(LEAST / 1e6, self.seconds)


@dataclass
class Newcomer:
    """Who came while nothing of his waited or ran, and what went before his prompt."""

    prompt: Asked
    may_overtake: set[int]
    is_claimed: bool = False
    overtook: Counter[int] = field(default_factory=Counter)


class World:
    def __init__(self, *, slots=1, weights=None):
        self.turns = Turns(weights=weights or {})
        self.time = 0.0
        self.waiting: dict[tuple[Priority, int], list[Asked]] = {}
        self.in_hand: list[tuple[float, Asked]] = []
        self.claimed: list[Asked] = []
        self.seconds: Counter[int | Priority] = Counter()  # that ended prompts cost, by owner and by lane
        self.newcomers: list[Newcomer] = []
        self._slots, self._numbers = slots, count(1)

    def ask(self, owner, seconds, lane=Priority.INTERACTIVE):
        asked = Asked(next(self._numbers), owner, lane, seconds)
        turn, now = self.turns.turns.get((lane, owner), OwnTurn()), self.turns.lanes[lane].now
        if not turn.waiting and turn.start <= now and all(each.owner != owner for _, each in self.in_hand):
            tied = self.turns.owners_in_turn(lane)
            self.newcomers.append(
                Newcomer(asked, {other for other in tied if self.turns.turns[lane, other].start == now})
            )
        self._join(asked)
        return asked

    def pass_by(self, seconds):
        """Let time pass: slots that are free claim, and prompts end."""
        until = self.time + seconds
        self.fill()
        while self.in_hand and self.in_hand[0][0] <= until:
            self.end_next()
        self.time = until

    def fill(self):
        """Let every free slot claim."""
        while len(self.in_hand) < self._slots and self.next():
            self.claim()

    def end_next(self):
        """Let the prompt end that ends next, and its slot claim another; the one that ended."""
        self.time, ended = heapq.heappop(self.in_hand)
        self.turns.end(ended.lane, ended.owner, ended.charged, ended.seconds)
        self.seconds[ended.owner] += ended.cost
        self.seconds[ended.lane] += ended.cost
        self.fill()
        return ended

    def give_back_next(self, delay):
        """Let the prompt that would end next go back to its place at no cost, where it must wait."""
        if self.in_hand:
            _, back = heapq.heappop(self.in_hand)
            self.turns.end(back.lane, back.owner, back.charged, None)
            back.not_before = self.time + delay
            self._join(back)
            self.fill()

    def run_dry(self):
        while self.in_hand or any(self.waiting.values()):
            self.fill()
            if self.in_hand:
                self.end_next()
            else:
                self.time = min(each.not_before for line in self.waiting.values() for each in line)

    def next(self):
        """The prompt whose turn it is; None where none may start."""
        ready = (
            asked
            for lane in self.turns.lanes_in_turn()
            for owner in self.turns.owners_in_turn(lane)
            for asked in sorted(self.waiting[lane, owner])
            if asked.not_before <= self.time
        )
        return next(ready, None)

    def places(self, lane=Priority.INTERACTIVE):
        """The prompts of a lane by their places."""
        return {
            asked.number: self.turns.place(lane, owner, rank)
            for (where, owner), line in self.waiting.items()
            if where is lane
            for rank, asked in enumerate(sorted(line), 1)
        }

    def claim(self):
        """Let a slot take whose turn it is."""
        taken = self.next()
        self.waiting[taken.lane, taken.owner].remove(taken)
        taken.charged = self.turns.take(taken.lane, taken.owner)
        heapq.heappush(self.in_hand, (self.time + taken.seconds, taken))
        self.claimed.append(taken)
        for each in self.newcomers:
            each.is_claimed |= each.prompt is taken
            each.overtook[taken.owner] += not each.is_claimed

    def _join(self, asked):
        self.waiting.setdefault((asked.lane, asked.owner), []).append(asked)
        self.turns.join(asked.lane, asked.owner, asked.number)
