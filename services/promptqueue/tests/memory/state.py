"""What the memory backend keeps: rows that never change, in a state that a commit replaces as a whole."""

from dataclasses import dataclass, field, replace

from promptqueue.condition import Facts, Model
from promptqueue.history import Noted
from promptqueue.owners import key as access
from promptqueue.owners.deed import Deed
from promptqueue.owners.owner import EVERYBODY, PAGES, Owner
from promptqueue.prompt import Origin, Outcome, Prompt, Status, Terms, Trouble

from .turns import Turns


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A prompt with its texts, its place, and the hold of its last attempt."""

    seq: int
    prompt: Prompt  # all but `overdue`, which passes with time
    request: str | None  # JSON; None once it was erased
    waiting_since: float  # by the wall clock
    answer: str | None = None
    text: str = ""
    text_attempt: int = 0
    not_before: float | None = None  # this and what follows by the monotonic clock
    terms: Terms | None = None
    claimed_at: float | None = None  # None too where nobody pays for the attempt
    leased_until: float = 0.0
    run_until: float = 0.0
    charged: int = 0  # microseconds, for the attempt that runs
    ran_seconds: float | None = None  # of an attempt that succeeded
    bad_ends: int = 0
    bad_since: float | None = None
    bad_at: float | None = None
    origin: Origin | None = None
    size: int = 0  # bytes of its texts

    @property
    def waits(self):
        return self.prompt.status is Status.QUEUED

    def trouble(self, now):
        if not self.bad_ends:
            return Trouble()
        return Trouble(bad_ends=self.bad_ends, since=now - self.bad_since, last=now - self.bad_at)


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of an Idempotency-Key."""

    fingerprint: str
    prompt_id: str
    since: float


@dataclass(frozen=True, slots=True)
class Taken:
    """What a prompt that has ended had of the model."""

    owner: int
    day: str
    outcome: Outcome
    prompt_tokens: int
    tokens: int
    waited: float | None  # seconds; None where it had not been started
    ran: float


def shared_owners():
    """Who needs no key."""
    everybody, pages = Owner(number=EVERYBODY, name="everybody", weight=3.0), Owner(number=PAGES, name="pages")
    return {each.name: each for each in (everybody, pages)}


@dataclass(kw_only=True)
class State:
    """All there is, at one moment."""

    rows: dict[str, Row] = field(default_factory=dict)
    keys: dict[tuple[int, str], Key] = field(default_factory=dict)  # by owner
    models: dict[tuple[str, str], Model] = field(default_factory=dict)
    facts: dict[tuple[str, str], Facts] = field(default_factory=dict)
    slots: dict[tuple[str, str], int] = field(default_factory=dict)  # that a worker holds of a server
    gone: dict[str, float] = field(default_factory=dict)  # holders that were found gone, since when
    looks: list[Noted] = field(default_factory=list)  # at the line, that were noted
    ends: list[Noted] = field(default_factory=list)  # of prompts
    taken: list[Taken] = field(default_factory=list)
    owners: dict[str, Owner] = field(default_factory=shared_owners)  # by their names
    turns: Turns = field(default_factory=Turns)
    keyring: dict[str, access.Key] = field(default_factory=dict)  # by their digests
    keys_version: int = 0
    deeds: list[Deed] = field(default_factory=list)
    sequence: int = 0
    moves: int = 0
    paused: bool = False
    secret: bytes = b""
    agreed_since: float | None = None
    agreed_offset: float = 0.0

    def copy(self):
        named = ("rows", "keys", "models", "facts", "slots", "gone", "looks", "ends", "taken", "owners", "turns")
        copied = {name: getattr(self, name).copy() for name in (*named, "keyring", "deeds")}
        return replace(self, **copied)
