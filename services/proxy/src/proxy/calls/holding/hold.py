"""A hold: a client that waits on its connection for a prompt, and what becomes of the prompt without it."""

import logging
from collections.abc import Iterator

from promptqueue.errors import PromptNotFound, StorageUnavailable
from promptqueue.prompt import Progress

from proxy.access.asker import Asker
from proxy.calls.errors import MISTAKE, CallFailed, of_refused
from proxy.calls.failure import Failure, Kind
from proxy.calls.holding.holders import Holders
from proxy.errors import Unauthorized
from proxy.live.cursor import Cursor
from proxy.live.following import Event, Following
from proxy.live.live_prompt import Interest
from proxy.meter import Kept
from proxy.parts import Parts
from proxy.serving.connection import Connection

STOPPING = Failure(
    kind=Kind.UNAVAILABLE,
    code="stopping",
    message="The proxy is being stopped or started anew. Try again after Retry-After seconds.",
    retry_after=5,
)
LEFT = Failure(kind=Kind.GONE, code="cancelled", message="The prompt was cancelled, because its client left.")
DELETED = Failure(kind=Kind.GONE, code="deleted", message="The prompt was deleted before it was answered.")

log = logging.getLogger(__name__)


class Left(CallFailed):
    """The client has closed its connection, or its half of it."""


class Stopping(CallFailed):
    """This process is to stop."""


class Hold:
    """One client's place, and what it follows. Whoever made it closes it."""

    def __init__(self, parts: Parts, holders: Holders, connection: Connection, asker: Asker) -> None:
        """Take a place, before there is a prompt. Raises TooManyStreams."""
        self.connection = connection
        self._parts = parts
        self._holders = holders
        self._prompt_id: str | None = None
        self._following: Following | None = None
        self._holder: str | None = None
        self._erases = self._has_left = self._is_refused = False
        self._give_back = parts.places.take(Kept.CALL, asker, connection, self._leave, self._refuse)

    def take(self, prompt_id: str, *, holder: str | None, erases: bool) -> None:
        """Hold this prompt, which `erases` says to erase with its texts once it was delivered.

        `holder` is this process, where the prompt ends with its client; else None.
        """
        self._prompt_id, self._holder, self._erases = prompt_id, holder, erases
        self._holders.add(prompt_id)

    def follow(self, progress: Progress, cursor: Cursor | None, interest: Interest) -> None:
        """Begin to follow a prompt that was found to stand so. Raises StorageUnavailable."""
        cursors = {progress.prompt.id: cursor}
        self._following = self._parts.prompts.follow([progress], cursors, self.connection, interest=interest)
        if self._has_left or self._is_refused:
            self._following.end()

    def wait(self, within: float) -> None:
        """Wait for what comes next, for so many seconds at most."""
        self._followed().wait(within)

    def events(self) -> Iterator[Event]:
        """Give what has come; a Silence where nothing has.

        Raises Left, Stopping, and CallFailed once the prompt was deleted or cannot be followed any more, or the asker
        may ask no more.
        """
        following = self._followed()
        found = following.next(0)
        for event in found or ():
            self._check()
            yield event
        self._check()
        if found is None:
            raise self._why_nothing_follows(following)

    def let_go(self, *, is_over: bool) -> None:
        """Leave the prompt: what nobody else holds is cancelled unless it `is_over`, and erased if it is to be."""
        prompt_id, self._prompt_id = self._prompt_id, None
        if prompt_id is None or not self._holders.remove(prompt_id):
            return
        try:
            if is_over and self._erases:
                self._parts.prompts.erase(prompt_id)
            elif self._holder and is_over:
                self._parts.prompts.answered(prompt_id)
            elif self._holder:
                self._parts.prompts.abandon(prompt_id, self._holder, erases=self._erases)
        except PromptNotFound:
            log.debug("prompt gone id=%s", prompt_id)
        except StorageUnavailable as unavailable:
            log.warning("prompt not let go of yet id=%s reason=%r", prompt_id, str(unavailable))

    def keep(self) -> None:
        """Leave the prompt as it is, for whoever asks the next process for it."""
        prompt_id, self._prompt_id = self._prompt_id, None
        if prompt_id is not None:
            self._holders.remove(prompt_id)

    def close(self) -> None:
        """Give the place back; the connection must still be open."""
        if self._following:
            self._following.close()
        self._give_back()

    def _followed(self) -> Following:
        if self._following is None:
            message = "follow comes first"
            raise RuntimeError(message)
        return self._following

    def _why_nothing_follows(self, following: Following) -> CallFailed:
        if following.is_over:
            return CallFailed(DELETED)
        return Stopping(STOPPING) if self._parts.listener.is_closed else CallFailed(MISTAKE)

    def _check(self) -> None:
        if self._has_left:
            raise Left(LEFT)
        if self._is_refused:
            raise CallFailed(of_refused(Unauthorized()))

    def _refuse(self) -> None:
        self._is_refused = True
        if self._following:
            self._following.end()

    def _leave(self) -> None:
        self._has_left = True
        if self._following:
            self._following.end()
