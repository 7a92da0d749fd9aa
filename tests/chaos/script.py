"""What a client is going to do with one prompt. The seed decides all of it, and what happens meanwhile nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

from simulator.text import answer_to, tokens_of

THREE_HOURS = 3 * 3600  # seconds; no step of the clock from one hour behind to one hour ahead may use them up


class Fate(StrEnum):
    """What its client does once the prompt is accepted."""

    WAITED_FOR = "waited for"
    CANCELLED = "cancelled"
    DELETED = "deleted"
    LEFT = "left"  # nobody asks again before the end


class Way(StrEnum):
    """How a client waits for an answer."""

    POLLING = "polling"
    HOLDING = "holding"  # status, held until it changes
    RESULT = "result"  # result, held until there is one
    WATCHING = "watching"  # the stream of events


@dataclass(frozen=True, kw_only=True)
class Script:
    """One prompt and what becomes of it, as far as that is its client's to say."""

    name: str
    text: str
    tokens: int  # of the answer, at most
    fields: dict[str, Any] = field(default_factory=dict)  # of the submission, besides
    fate: Fate
    way: Way
    after: float  # seconds from acceptance until it is cancelled or deleted
    is_retried: bool  # once it was cancelled
    is_sent_twice: bool  # though it was accepted, as a client would that had not heard of it
    pause: float  # seconds before it

    @property
    def client(self) -> int:
        """The number of its client."""
        return int(self.name.partition("-")[0])

    @property
    def key(self) -> str:
        """Its Idempotency-Key."""
        return f"chaos-campaign-{self.name}"

    @property
    def body(self) -> dict[str, Any]:
        return {"prompt": self.text, "options": {"num_predict": self.tokens}, **self.fields}

    @property
    def answer(self) -> str:
        """What the simulator says to it, and to no other prompt."""
        return "".join(tokens_of(answer_to(self.text))[: self.tokens])


def script(seed: int, client: int, number: int) -> Script:
    """Give the script of a client's prompt, the same for the same numbers."""
    random = Random(f"{seed}/{client}/{number}")
    name = f"{client:02}-{number:04}"
    fields: dict[str, Any] = {"priority": random.choice(["interactive", "interactive", "batch"])}
    if random.random() < 0.05:
        fields["expires_in"] = random.choice([1, 5, THREE_HOURS])
    if random.random() < 0.05:
        fields["timeout"] = random.choice([0.3, 60])
    return Script(
        name=name,
        text=f"Question {number} of client {client} with seed {seed}: " + random.randbytes(8).hex(),
        tokens=random.randint(5, 120),
        fields=fields,
        fate=random.choices(list(Fate), weights=[50, 15, 12, 23])[0],
        way=random.choice(list(Way)),
        after=random.choice([0.0, random.uniform(0, 0.5), random.uniform(0, 4)]),
        # Apart from the others, so that a seed goes on meaning what it did.
        is_retried=Random(f"{seed}/{client}/{number}/retry").random() < 0.4,
        is_sent_twice=random.random() < 0.2,
        pause=random.expovariate(1 / 0.3),
    )
