"""Whose turn it is: the rule in plain values, without prompts, storage or clock. Times are microseconds, whole ones."""

from dataclasses import dataclass, field, replace

from promptqueue.owners.owner import EVERYBODY
from promptqueue.prompt import Priority

LEAST = 500_000  # what a prompt costs at least
FIRST_PRICE = 2_000_000  # what one is taken to cost, before any of its owner's has ended
SHARES = {Priority.INTERACTIVE: 9.0, Priority.BATCH: 1.0}


@dataclass(frozen=True, slots=True)
class Lane:
    start: int = 0
    now: int = 0  # the start of the turn that was taken last
    price: int = FIRST_PRICE


@dataclass(frozen=True, slots=True)
class OwnTurn:
    """One owner's turn in one lane."""

    waiting: int = 0
    start: int = 0
    since: int = 0  # number of the prompt with which it came to wait
    price: int = FIRST_PRICE


def parts(price, by):
    return int(price / by)


def nearer(price, cost):
    return price + int((cost - price) / 4)


@dataclass
class Turns:
    """All lanes, and the turns of all owners in them."""

    weights: dict[int, float] = field(default_factory=lambda: {EVERYBODY: 3.0})  # 1 where none is said
    lanes: dict[Priority, Lane] = field(default_factory=lambda: dict.fromkeys(Priority, Lane()))
    turns: dict[tuple[Priority, int], OwnTurn] = field(default_factory=dict)

    def copy(self):
        return Turns(self.weights.copy(), self.lanes.copy(), self.turns.copy())

    def join(self, lane, owner, number):
        turn = self.turns.get((lane, owner), OwnTurn())
        if not turn.waiting:
            turn = replace(turn, start=max(turn.start, self.lanes[lane].now), since=number)
        self.turns[lane, owner] = replace(turn, waiting=turn.waiting + 1)

    def leave(self, lane, owner):
        """A prompt goes unclaimed, and nothing was charged for it."""
        turn = self.turns[lane, owner]
        self.turns[lane, owner] = replace(turn, waiting=turn.waiting - 1)

    def take(self, lane, owner):
        """A prompt of this owner is claimed; what it is charged with until it ends."""
        turn, taken = self.turns[lane, owner], self.lanes[lane]
        for other in self.lanes:
            if not self.waiting(other):
                self.lanes[other] = replace(self.lanes[other], start=max(self.lanes[other].start, taken.start))
        now, charge = max(taken.now, turn.start), turn.price
        self.lanes[lane] = replace(self.lanes[lane], now=now, start=taken.start + parts(charge, SHARES[lane]))
        start = max(turn.start, now) + self._step(lane, owner)
        self.turns[lane, owner] = replace(turn, waiting=turn.waiting - 1, start=start)
        return charge

    def end(self, lane, owner, charged, seconds):
        """A prompt that was claimed took so many seconds, or None if it costs nothing; whether that moves others."""
        turn, of_lane, weight = self.turns[lane, owner], self.lanes[lane], self._weight(owner)
        cost = 0 if seconds is None else max(LEAST, int(seconds * 1e6))
        start = max(
            turn.start + parts(cost - charged, weight),
            min(turn.start, of_lane.now + parts(LEAST, weight)),
        )
        self.turns[lane, owner] = replace(turn, start=start, price=nearer(turn.price, cost) if cost else turn.price)
        self.lanes[lane] = replace(
            of_lane,
            start=of_lane.start + parts(cost - charged, SHARES[lane]),
            price=nearer(of_lane.price, cost) if cost else of_lane.price,
        )
        return 0 < turn.waiting < self.waiting(lane)

    def waiting(self, lane):
        return sum(turn.waiting for (where, _), turn in self.turns.items() if where is lane)

    def lanes_in_turn(self):
        """The lanes in which anybody waits, the one whose turn it is first."""
        waiting = [lane for lane in Priority if self.waiting(lane)]
        return sorted(waiting, key=lambda lane: self.lanes[lane].start + parts(self.lanes[lane].price, SHARES[lane]))

    def owners_in_turn(self, lane):
        """The owners who wait in a lane, the one whose turn it is first."""
        waiting = [(turn, owner) for (where, owner), turn in self.turns.items() if where is lane and turn.waiting]
        return [owner for _, owner in sorted(waiting, key=lambda one: (one[0].start, one[0].since))]

    def place(self, lane, owner, rank):
        """The place of an owner's prompt in its lane, which is the `rank`-th of his own: as if no price changed."""
        mine = self.turns[lane, owner]
        at = (mine.start + (rank - 1) * self._step(lane, owner), mine.since)
        before = [
            (turn.start + n * self._step(lane, other), turn.since) < at
            for other in self.owners_in_turn(lane)
            if other != owner
            for turn in [self.turns[lane, other]]
            for n in range(turn.waiting)
        ]
        return rank + sum(before)

    def _step(self, lane, owner):
        return max(1, parts(self.turns.get((lane, owner), OwnTurn()).price, self._weight(owner)))

    def _weight(self, owner):
        return self.weights.get(owner, 1.0)
