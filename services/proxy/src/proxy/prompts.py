"""What a client may do with prompts, whichever protocol it speaks."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from promptqueue import PromptQueue
from promptqueue.condition import Bounds
from promptqueue.errors import QueueFull, QuotaExceeded, StorageFull, StorageUnavailable
from promptqueue.logs import Once
from promptqueue.owners.deed import Deed
from promptqueue.owners.owner import Owner
from promptqueue.prompt import Enqueued, NewPrompt, Origin, Outcome, Progress, Prompt, Status

from proxy.access.asker import Asker
from proxy.access.limits import limits_of
from proxy.config import Config
from proxy.live.cursor import Cursor
from proxy.live.following import Following
from proxy.live.held_requests import Held, HeldRequests
from proxy.live.live_prompt import Interest
from proxy.live.live_prompts import LivePrompts
from proxy.serving.connection import Connection
from proxy.storage.attendance import Attendance
from proxy.storage.progress import CurrentProgress
from proxy.storage.reader import Reader
from proxy.storage.writer import Writer

Found = TypeVar("Found")

log = logging.getLogger(__name__)


class Prompts:
    """The prompts of all owners, for what this process does for itself; `OwnPrompts` are for a client's ids.

    Ids are those that the queue gave. Whatever takes one raises PromptNotFound for one that is not known, everything
    may raise StorageUnavailable, and then nothing was changed.
    """

    def __init__(  # noqa: PLR0913 (by name, and in one place)
        self,
        config: Config,
        *,
        reader: Reader,
        writer: Writer,
        current: CurrentProgress,
        held_requests: HeldRequests,
        live: LivePrompts,
        attendance: Attendance,
    ) -> None:
        self._config = config
        self._reader = reader
        self._writer = writer
        self._current = current
        self._held_requests = held_requests
        self._live = live
        self._attendance = attendance
        self._want_of_room = Once(log)

    # ---- changing ---------------------------------------------------------------------------------------------------

    def accept(self, new: NewPrompt, owner: Owner, *, size: int) -> Enqueued:
        """Put a prompt of this owner into the line; it came as `size` bytes.

        A prompt whose Idempotency-Key is known comes back as it stands now. Raises QueueFull, StorageFull,
        QuotaExceeded, PromptDeleted and IdempotencyConflict.
        """
        new, bounds = replace(new, owner=owner.number), self._bounds(owner)
        bounds["max_stored_bytes"], bounds["min_free_bytes"] = (
            self._config.max_stored_bytes,
            self._config.min_free_bytes,
        )
        try:
            accepted = self._writer.do(lambda queue: _accept(queue, new, bounds), weight=size)
        except StorageFull as full:
            self._want_of_room.warn("storage full reason=%r", str(full))
            raise
        self._want_of_room.well("storage has room again")
        prompt = accepted.prompt
        if accepted.replayed:
            log.info("prompt replayed id=%s status=%s", prompt.id, prompt.status)
        else:
            log.info("prompt accepted id=%s position=%s bytes=%d", prompt.id, accepted.position, size)
        return accepted

    def cancel(self, prompt_id: str, *, deed: Deed | None = None) -> Prompt:
        """End a prompt as cancelled, for good; one that has ended is returned unchanged. Records the `deed`, if any."""
        prompt = self._writer.do(lambda queue: _cancel(queue, prompt_id, deed))
        if prompt.outcome is Outcome.CANCELLED:
            log.info("prompt cancelled id=%s", prompt.id)
        else:
            log.info("prompt not cancelled id=%s reason=ended outcome=%s", prompt.id, prompt.outcome)
        return prompt

    def reattach(self, face: str, fingerprint: str, holder: str, *, owner: int) -> Prompt | None:
        """Give this owner's prompt that this request had put into the line to another holder; None for none left."""
        prompt = self._writer.do(lambda queue: queue.reattach(face, fingerprint, holder=holder, owner=owner))
        if prompt:
            log.info("prompt taken up again id=%s status=%s", prompt.id, prompt.status)
        return prompt

    def abandon(self, prompt_id: str, holder: str, *, erases: bool) -> None:
        """End a prompt whose client has left, for good, unless another process holds it by now, or nobody does.

        Where the storage is unavailable it is tried again until it is not.
        """
        if self._insist(lambda queue: _abandon(queue, prompt_id, holder, erases=erases)):
            log.info("prompt cancelled id=%s reason='its client left'", prompt_id)

    def erase(self, prompt_id: str) -> None:
        """Erase a prompt that was delivered and is not to be kept. Tried again as `abandon` is."""
        self._insist(lambda queue: queue.delete(prompt_id))

    def answered(self, prompt_id: str) -> None:
        """Hold a prompt no more whose client was told how it ended: the same request is another one from now on."""
        self._writer.later(lambda queue: queue.let_go(prompt_id))

    def retry(self, prompt_id: str, owner: Owner) -> tuple[Prompt, int | None]:
        """Queue a prompt of this owner again that failed, was cancelled or expired, and give its place in line.

        One that waits or runs is returned unchanged. Raises NotRetryable, QueueFull and QuotaExceeded.
        """
        bounds = self._bounds(owner)
        prompt, position, had_ended = self._writer.do(lambda queue: _retry(queue, prompt_id, bounds))
        if had_ended:
            log.info("prompt retried id=%s position=%s", prompt.id, position)
        return prompt, position

    def delete(self, prompt_id: str) -> None:
        """Cancel a prompt if it has not ended, and erase it with its texts."""
        self._writer.do(lambda queue: queue.delete(prompt_id))
        log.info("prompt deleted id=%s", prompt_id)

    def _bounds(self, owner: Owner) -> Bounds:
        """Give what the line, and what this owner has, must keep within."""
        limits = limits_of(owner, self._config)
        return {
            "max_queued": self._config.max_queue_depth,
            "max_waiting": limits.waiting,
            "max_own_bytes": limits.stored_bytes,
            "max_tokens_a_day": limits.tokens_a_day,
        }

    def _insist(self, verb: Callable[[PromptQueue], Found]) -> Found:
        try:
            return self._writer.do(verb)
        except StorageUnavailable:
            self._writer.owe(verb)
            raise

    def holder(self) -> str:
        """Give the name by which this process holds prompts for its clients, for as long as it lives."""
        return self._attendance.id

    def leave(self) -> None:
        """Hold nothing any more: for a minute whoever comes again for a prompt finds it."""
        self._attendance.leave()

    # ---- looking ----------------------------------------------------------------------------------------------------

    def of_these(self, prompt_ids: Sequence[str], owners: Sequence[int]) -> list[str]:
        """Give those of these prompts that are of one of these owners; an unknown one takes as long as a stranger's."""
        return self._reader.read(lambda queue: _of_these(queue, prompt_ids, owners))

    def progress(self, prompt_id: str) -> Progress:
        """Say where a prompt stands; what is overdue is settled first."""
        return self._current.of(prompt_id)

    def progress_of(self, prompt_ids: Sequence[str]) -> list[Progress]:
        """Say where these prompts stand; those that do not exist are left out."""
        return self._current.of_all(prompt_ids)

    def hold(self, prompt_id: str, is_enough: Callable[[Progress], bool], held: Held) -> Progress:
        """Say where a prompt stands once that is enough, or its time to wait is over. Raises TooManyStreams."""
        return self._held_requests.hold(prompt_id, is_enough, held)

    def follow(
        self,
        found: Iterable[Progress],
        cursors: Mapping[str, Cursor | None],
        connection: Connection,
        *,
        asker: Asker | None = None,
        interest: Interest = Interest.PLACES,
    ) -> Following:
        """Follow prompts that were found to stand so, each from its cursor on, or from the very beginning.

        Whoever called it closes what it gives. Raises TooManyStreams, unless no asker is named, whose place it would
        take.
        """
        return self._live.follow(found, cursors, connection, asker=asker, interest=interest)

    def request(self, prompt_id: str) -> Mapping[str, Any] | None:
        """Give what was asked; None once its text was erased."""
        return self._reader.read(lambda queue: queue.request(prompt_id))

    def answer(self, prompt_id: str) -> Mapping[str, Any] | None:
        """Give the model server's final record; None unless the prompt succeeded."""
        return self._reader.read(lambda queue: queue.answer(prompt_id))

    def origin(self, prompt_id: str) -> Origin | None:
        """Say by which face a prompt came; None where it came by none, or its text was erased."""
        return self._reader.read(lambda queue: queue.origin(prompt_id))

    def partial(self, prompt_id: str) -> str:
        """Give the text that has come so far, or had come when the prompt ended without an answer."""
        return self._reader.read(lambda queue: queue.partial(prompt_id))


# ---- within one transaction, on the writer's thread -----------------------------------------------------------------


def _accept(queue: PromptQueue, new: NewPrompt, bounds: Bounds) -> Enqueued:
    [accepted] = _with_room(queue, lambda: queue.enqueue(new, **bounds))
    if accepted.replayed and accepted.prompt.overdue:
        prompt = queue.settle(accepted.prompt.id)
        return Enqueued(prompt=prompt, position=queue.position(prompt.id), replayed=True)
    return accepted


def _cancel(queue: PromptQueue, prompt_id: str, deed: Deed | None = None) -> Prompt:
    """Cancel what has not ended. A prompt that is overdue has, though nobody has looked since."""
    found = queue.get(prompt_id)
    if found.overdue:
        return queue.settle(prompt_id)
    if deed and found.outcome is None:
        queue.record(deed)
    return queue.cancel(prompt_id)


def _of_these(queue: PromptQueue, prompt_ids: Sequence[str], owners: Sequence[int]) -> list[str]:
    return [each for each in prompt_ids if any(queue.belongs(each, owner) for owner in owners)]


def _abandon(queue: PromptQueue, prompt_id: str, holder: str, *, erases: bool) -> bool:
    """Cancel or erase what this holder holds; whether it did."""
    origin = queue.origin(prompt_id)
    if origin is None or origin.holder != holder:
        return False
    if erases:
        queue.delete(prompt_id)
        return True
    queue.let_go(prompt_id)  # its client, should it come again, asks anew
    return _cancel(queue, prompt_id).outcome is Outcome.CANCELLED


def _retry(queue: PromptQueue, prompt_id: str, bounds: Bounds) -> tuple[Prompt, int | None, bool]:
    """Queue a prompt again; give it, its place, and whether it had ended. One that is overdue ends first."""
    before = queue.get(prompt_id)
    if before.overdue:
        before = queue.settle(prompt_id)
    prompt = _with_room(queue, lambda: queue.retry(prompt_id, **bounds))
    return prompt, queue.position(prompt_id), before.status is Status.COMPLETED


def _with_room(queue: PromptQueue, verb: Callable[[], Found]) -> Found:
    """Run a verb that puts something into the line; if there is no place, settle what is overdue and try again."""
    try:
        return verb()
    except (QueueFull, QuotaExceeded):
        if not queue.recover().total:
            raise
        return verb()
