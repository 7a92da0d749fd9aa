"""PromptQueue: the contract between those who ask and the worker that answers."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, Unpack

from promptqueue.condition import Bounds, Counts, Facts, Measures, Minute, Model, Recovered, Room, Server, Workers
from promptqueue.history import Sight
from promptqueue.notes import Text
from promptqueue.owners.deed import Deed
from promptqueue.owners.key import Key, NewKey, Role
from promptqueue.owners.owner import EVERYBODY, Holdings, Owner, Usage
from promptqueue.owners.turn import Turn
from promptqueue.prompt import (
    Claim,
    Ending,
    Enqueued,
    NewPrompt,
    Origin,
    Page,
    Progress,
    Prompt,
    Terms,
    Wanted,
)


class PromptQueue(Protocol):
    """A durable line of prompts. What a verb returned from has reached the disk; nothing accepted is ever lost.

    An instance serves one thread at a time; open one for each (`promptqueue.storage`). Every verb may raise
    StorageUnavailable, and then has changed nothing, or CommitUnknown, and then nobody knows whether it has.

    In PostgreSQL the wall clock is the server's, the disk is its disk and those of the standbys that it waits for, and
    transactions run side by side: where that makes a promise another one, the verb says so.
    """

    # ---- client -----------------------------------------------------------------------------------------------------

    def enqueue(self, *new: NewPrompt, **bounds: Unpack[Bounds]) -> list[Enqueued]:
        """Accept all of these prompts in one commit, in this order, or none of them.

        A prompt whose Idempotency-Key its owner has sent within the last 24 hours is not accepted again: the first one
        comes back, `replayed`, however full the queue is. While the wall clock is doubted (its `agreement` began less
        than a day ago, or it has just been set), no key is too old. If its call is held, the new prompt's holder
        holds it from then on.

        Raises QueueFull, StorageFull or QuotaExceeded where they would not keep within the `bounds`, PromptDeleted when
        the key's prompt was deleted, IdempotencyConflict when the key came with another fingerprint. In PostgreSQL
        `min_free_bytes` bounds nothing, and bounds on what is stored or an owner's give or take what others accept at
        that moment.
        """

    def get(self, prompt_id: str) -> Prompt:
        """Say where a prompt stands, from one read that takes no lock. Raises PromptNotFound."""

    def origin(self, prompt_id: str) -> Origin | None:
        """Say by which face a prompt came; None where it came by none, or its text was erased. Raises PromptNotFound.

        Its holder and fingerprint are None once nobody holds its call: it was let go of, retried or abandoned; then it
        `is_kept`. One that is not to be kept and was abandoned has no fingerprint alone, until it is erased.
        """

    def position(self, prompt_id: str) -> int | None:
        """Say the place in line, 1 = next; None unless the prompt is queued.

        It is as things stand: a place can also rise, as others join who have had less, or their prompts prove short.
        In the batch lane it counts all interactive prompts first, though a tenth of the time is batch's.
        """

    def progress_of(self, prompt_ids: Collection[str]) -> list[Progress]:
        """Say where these prompts stand at one moment, from one read, in this order; those not there are left out."""

    def moves(self) -> int:
        """Count how often prompts have joined or left the line, or moved in it: while it stays, so does every place."""

    def request(self, prompt_id: str) -> Mapping[str, Any] | None:
        """Return what was asked; None once its text was erased (`erase_unrun`). Raises PromptNotFound."""

    def answer(self, prompt_id: str) -> Mapping[str, Any] | None:
        """Return the model server's final record; None unless the prompt succeeded. Raises PromptNotFound."""

    def partial(self, prompt_id: str) -> str:
        """Return the text that has come so far, or had come when the prompt ended without an answer."""

    def text(self, prompt_id: str) -> Text | None:
        """Return the same text with its attempt; None while there is none."""

    def cancel(self, prompt_id: str) -> Prompt:
        """End a queued or processing prompt as cancelled, at once and for good; a completed one is returned unchanged.

        Whoever holds its claim finds it lost. Raises PromptNotFound.
        """

    def retry(self, prompt_id: str, **bounds: Unpack[Bounds]) -> Prompt:
        """Queue a prompt again that failed, was cancelled or expired, at its owner's end of the line, under its id.

        Its budget and the time that it may wait begin anew; its next attempt has the next number. One that waits or
        runs is returned unchanged.
        Raises NotRetryable for one that succeeded, that would be refused again, or whose text was erased; QueueFull,
        StorageFull or QuotaExceeded where it would not keep within the `bounds`; PromptNotFound.
        """

    def reattach(self, face: str, fingerprint: str, *, holder: str, owner: int = EVERYBODY) -> Prompt | None:
        """Give an owner's prompt whose client has come again to another `holder`; None where there is none to give.

        It is the newest of this owner, face and fingerprint whose own holder is not alive, if it is not completed or
        was completed less than a minute ago. As long as the new holder lives it is given to nobody else. One that is
        not to be kept is there until `recover` erases it.
        """

    def let_go(self, prompt_id: str) -> None:
        """Hold a prompt's call no more: it was answered, or its client has left. Nothing where nobody holds it.

        The prompt can then not be attached to again, nor is it cancelled or erased because its holder is gone. A power
        cut may take this back.
        """

    def delete(self, prompt_id: str) -> None:
        """Cancel a prompt if need be and erase it with its texts; its Idempotency-Key stays known.

        What still holds the texts is emptied at once, or after the next commit where somebody is reading it; in
        PostgreSQL once the server vacuums, and its write-ahead log, archive, standbys and copies keep them for as long
        as they are kept themselves. Raises PromptNotFound.
        """

    # ---- worker -----------------------------------------------------------------------------------------------------

    def claim(self, terms: Terms) -> Claim | None:
        """Hand the next prompt in line to exactly one caller; None when nothing may be started.

        Owners take turns by the seconds that their prompts take of a slot, each by its weight, and so do the lanes:
        while both wait, interactive prompts have nine tenths of the time, and a lane alone has all of it. Of one
        owner's prompts in a lane the first that came is the first. Who comes while others wait is overtaken by at most
        one prompt of each. Passed over are prompts that must wait or expired, owners with as many running as they may
        have (their limit, else `terms.most_running`), and everything while the queue is paused. Every claim raises the
        prompt's attempt, and says which server it is for, which stays known until the next one. In PostgreSQL the order
        is so to within the transactions in flight.
        """

    def renew(self, claim: Claim) -> None:
        """Hold the claim for another lease from now. Raises ClaimLost."""

    def write(self, claim: Claim, text: str, *, offset: int, tokens: int) -> None:
        """Append partial text at `offset` (code points of this attempt's text) and renew the claim. Raises ClaimLost.

        The first text of an attempt replaces that of earlier attempts. A power cut may take partial text back.
        """

    def stream_text(self, claim: Claim, text: str, *, offset: int) -> None:
        """Send live text to whoever listens, without storing it; it may get lost, `write` is the record."""

    def finish(self, claim: Claim, ending: Ending) -> Prompt:
        """End the attempt: the prompt is completed, or back in its old place when a failure leaves it budget.

        Inside one `transaction` with `claim`, both share one commit. Raises ClaimLost: the ending then changes nothing.
        """

    def release(self, claim: Claim, *, reason: str | None = None) -> None:
        """Give the prompt back to its old place in line; costs no failure. Raises ClaimLost.

        The prompt's `last_error` says the `reason`.
        """

    # ---- maintenance ------------------------------------------------------------------------------------------------

    def settle(self, prompt_id: str) -> Prompt:
        """Do for one prompt what `recover` does for all, but erase nothing; where it stands. Raises PromptNotFound."""

    def recover(self) -> Recovered:
        """Take back every prompt whose worker is gone or whose lease is over, end those that ran or waited too long.

        A prompt taken back counts one failure and keeps its place. One whose call was held by a process that `recover`
        found gone a minute ago, by the monotonic clock, is cancelled: nobody waits for it. If it is not to be kept
        (`Origin.is_kept`), it is erased with its texts as by `delete`, also where it had ended before; where there are
        many or they are long, the rest by the next call. Writes nothing when there is nothing to do.
        """

    def is_behind(self) -> bool:
        """Whether `recover` would move or erase any prompt, from reads alone."""

    def prune(self, *, older_than: float, limit: int = 100, agreed_for: float = 0.0) -> int:
        """Erase some of the prompts completed more than `older_than` seconds ago; how many, 0 when none is left.

        One call is one commit, of at most `limit` prompts and of fewer when their texts are long: it keeps others
        waiting for less than 50 ms, unless a single prompt takes longer. Idempotency-Keys go after 24 hours, deeds
        after a year. Nothing is erased before the `agreement` of the clocks is `agreed_for` seconds old; 0 erases at
        once. In PostgreSQL it keeps nobody waiting, and takes `limit` prompts unless their texts are long.
        """

    def agreement(self) -> float:
        """Say for how many seconds the wall clock is known to have kept step with a clock that nobody sets.

        Counting begins with the first call, and anew after a step of more than a minute or another boot; nothing else
        writes. A machine that slept has not been out of step. In PostgreSQL the server's wall clock is held beside a
        clock of this machine's.
        """

    def erase_unrun(self, *, older_than: float, limit: int = 100, agreed_for: float = 0.0) -> int:
        """Erase the texts of some prompts that ended more than `older_than` seconds ago without ever having run.

        Where they stand stays known; what they asked does not (`request`). How many, 0 when none is left. One call is
        one commit, as short as one of `prune`, and `agreed_for` is that of `prune`.
        """

    def compact(self) -> int:
        """Give some of the unused room back to the disk; how many bytes, 0 when there is no more to give.

        One call is one commit that keeps others waiting for less than 50 ms. Where somebody was reading, what it gave
        back counts after the next `Storage.tidy`. In PostgreSQL it is 0: the server uses the room again by itself.
        """

    def prunable(self, *, older_than: float) -> int:
        """Count the prompts that `prune` would erase, one call after the other."""

    def counts(self) -> Counts:
        """Count the queue as a whole."""

    def measures(self) -> Measures:
        """Say how many prompts ended and how long they took, since this is counted: what metrics tell."""

    def turns(self) -> list[Turn]:
        """List who wait or have something running, each owner once for each lane, interactive ones first."""

    def history(self, minutes: int) -> list[Minute]:
        """Say what the queue did in each of the last minutes, at most 60, the present one last, which is not over.

        What ended is counted in the commit by which it ended, once and for good, whatever becomes of the prompt later.
        How the line stood is known where somebody looked (`observe`), or where it did not move between two looks.
        A wall clock that is set renames the minutes, and changes nothing else; in PostgreSQL, where it alone tells them
        apart, one that is set back counts into minutes that were over.
        """

    def observe(self, seen: Sight | None = None) -> Sight:
        """Look at how the line stands, so that `history` knows; `seen` is what the same observer was given last.

        Once a minute it writes, as long as the line moves; while that stands still, nothing. A power cut may take the
        last of it back.
        """

    def room(self) -> Room:
        """Say how much room the queue takes on its disk, and how much there is; PostgreSQL does not tell the latter."""

    def workers(self) -> Workers:
        """Count the workers that are alive."""

    def model(self) -> Model | None:
        """Sum up what the living workers say of the model (`condition.summary`); None before any worker ever did.

        Where all of those are gone only its name is known, and it is unreachable.
        """

    def servers(self) -> list[Server]:
        """Say of each server of the living workers how the model is there, in the order of their addresses.

        What it is doing is known from claims that named it (`Terms.server`), how long it takes from those of the newest
        few hundred answers that are its.
        """

    def facts(self) -> Facts | None:
        """Return what a server said of itself and the `model`; None while no worker has told any of this model.

        A living worker's ready server comes first; else the last that was known.
        """

    def describe_model(
        self, model: Model, *, worker: str, server: str, facts: Facts | None = None, slots: int = 1
    ) -> None:
        """Say for a worker what it knows of the model on one of its servers. Writes nothing when nothing changed.

        `worker` is the id of its presence, `server` an address as people may read it, `slots` how many of its slots the
        worker holds now. Without `facts` those that are known stay. What dead workers said is cleared away in passing.
        """

    def ping(self) -> None:
        """Read something: it returns when the storage answers."""

    def secret(self) -> bytes:
        """Return this queue's secret, made when it is first asked for: all that share the queue sign by it."""

    def pause(self, paused: bool) -> None:
        """Stop or resume claiming; prompts are accepted all the same."""

    def newest(self, *, limit: int = 50, before: int | None = None, **wanted: Unpack[Wanted]) -> Page:
        """List prompts, the last accepted first, all or those that are `wanted`; `before` is a page's `next`.

        One that was retried counts as accepted then. A page costs what it shows, however many prompts are stored: where
        it passes over prompts, because of a time or of their metadata, it looks at 2,000 at most, so that it may have
        fewer than `limit`, or none, and a `next`. Times are those of the wall clock; where it was set back meanwhile,
        some may be missing.
        Prompts that come or go meanwhile move no other to another page.
        """

    # ---- owners -----------------------------------------------------------------------------------------------------

    def belongs(self, prompt_id: str, owner: int) -> bool:
        """Whether this prompt is this owner's. It takes as long for an id that no prompt has as for somebody else's."""

    def owners(self) -> list[Owner]:
        """List all owners, also the two of whoever comes without a key, by their numbers."""

    def holdings(self, owner: int) -> Holdings:
        """Say what an owner has at this moment, and has had today; of the number of no owner: nothing."""

    def usage(self, *, owner: int | None = None, since: str | None = None, until: str | None = None) -> list[Usage]:
        """List what owners had of the model on each day, by UTC, from `since` to `until`, the last day first.

        It is counted in the commit by which a prompt ends, under the day of the wall clock then, and stays when the
        prompt is erased. What is counted is the attempt by which it ended; its seconds are nothing where that was lost.
        """

    def limit_owner(self, name: str, limits: Mapping[str, float | None], *, weight: float | None = None) -> Owner:
        """Say what an owner may have, by the names of `Limits`, None for the default; those not named stay.

        Raises OwnerNotFound, ValueError for a limit that there is not and for what is no weight (`refuse_weight`).
        """

    def keys_version(self) -> int:
        """Count how often keys, or what their owners may have, were changed: while it stays the same, so do they."""

    def keyring(self) -> list[tuple[str, Key]]:
        """List all keys with their digests, revoked and expired ones too, the oldest first."""

    def add_key(self, new: NewKey, *, owner: str, role: Role, expires_at: float | None = None) -> Key:
        """Let a key be good from now on, for the `owner` of this name, who is made where there is none.

        Only its digest is kept. Raises OwnerRefused for one of the two who need none, and for what is no name.
        """

    def revoke_key(self, name: str) -> Key:
        """Let a key be good no more; one that was revoked is returned unchanged. Raises KeyNotFound."""

    def drop_keys(self) -> int:
        """Forget all keys, so that nobody needs one; how many there were. Owners and what is theirs stay."""

    def note_use(self, names: Collection[str]) -> None:
        """Note that the keys of these names were used in this hour. Writes nothing when nothing changes.

        A power cut may take it back.
        """

    def record(self, deed: Deed) -> None:
        """Note what somebody did. It is kept for a year (`prune`)."""

    def deeds(self, *, limit: int, before: int | None = None) -> list[Deed]:
        """List what was done, the last deed first; `before` is a deed's number, and only those before it are meant."""

    # ---- together ---------------------------------------------------------------------------------------------------

    def transaction(self, *, durable: bool = True) -> AbstractContextManager[None]:
        """Let the verbs inside share one commit. Unless it is `durable`, a power cut may take it back.

        A verb that raises undoes itself alone, unless the error leaves the block.
        """

    def close(self) -> None:
        """Close it."""
