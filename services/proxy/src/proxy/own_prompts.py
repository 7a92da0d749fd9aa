"""What a client may do with its own prompts, whichever protocol it speaks, and an admin with those of others."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from promptqueue.errors import PromptNotFound
from promptqueue.owners.deed import Act, Deed
from promptqueue.prompt import Enqueued, NewPrompt, Origin, Progress, Prompt

from proxy.access.asker import Asker
from proxy.access.keyring import Keyring
from proxy.errors import Unauthorized
from proxy.live.cursor import Cursor
from proxy.live.following import Following
from proxy.live.held_requests import Held
from proxy.prompts import Prompts
from proxy.serving.connection import Connection


class OwnPrompts:
    """The only way from a protocol to the prompts of whoever asks.

    Whatever takes an id asks first whose it is, which never changes, and raises PromptNotFound for somebody else's as
    for one that no prompt has. Everything may raise StorageUnavailable, and then nothing was changed.
    """

    def __init__(self, prompts: Prompts, asker: Asker, keyring: Keyring) -> None:
        self._prompts = prompts
        self._asker = asker
        self._keyring = keyring

    # ---- changing ---------------------------------------------------------------------------------------------------

    def accept(self, new: NewPrompt, *, size: int) -> Enqueued:
        """Put a prompt into the line as the asker's; `Prompts.accept` says the rest."""
        return self._prompts.accept(new, self._asker.owner, size=size)

    def cancel(self, prompt_id: str) -> Prompt:
        """End a prompt as cancelled, for good; one that has ended is returned unchanged.

        An admin may end anybody's, and it is recorded.
        """
        if self._is_own(prompt_id):
            return self._prompts.cancel(prompt_id)
        if not (self._asker.oversees and self._asker.key):
            raise PromptNotFound
        deed = Deed(who=self._asker.key.name, what=Act.CANCELLED, to=prompt_id)
        return _without_words(self._prompts.cancel(prompt_id, deed=deed))

    def retry(self, prompt_id: str) -> tuple[Prompt, int | None]:
        """Queue a prompt again, and give its place in line; `Prompts.retry` says the rest."""
        return self._prompts.retry(self._own(prompt_id), self._asker.owner)

    def delete(self, prompt_id: str) -> None:
        """Cancel a prompt if it has not ended, and erase it with its texts."""
        self._prompts.delete(self._own(prompt_id))

    def reattach(self, face: str, fingerprint: str, holder: str) -> Prompt | None:
        """Give the prompt that this request had put into the line to another holder; None where nobody has left it."""
        return self._prompts.reattach(face, fingerprint, holder, owner=self._asker.owner.number)

    # ---- looking ----------------------------------------------------------------------------------------------------

    def standing(self, prompt_id: str, is_enough: Callable[[Progress], bool], held: Held) -> Progress:
        """Say where a prompt stands, as `hold` does; to an admin of anybody's, with nothing that a client has said."""
        if self._is_own(prompt_id):
            return self._hold(prompt_id, is_enough, held)
        if not self._asker.oversees:
            raise PromptNotFound
        found = self._hold(prompt_id, is_enough, held)
        return replace(found, prompt=_without_words(found.prompt))

    def hold(self, prompt_id: str, is_enough: Callable[[Progress], bool], held: Held) -> Progress:
        """Say where a prompt stands once that is enough, or its time to wait is over. Raises TooManyStreams.

        Raises Unauthorized where the asker may ask no more by then.
        """
        return self._hold(self._own(prompt_id), is_enough, held)

    def progress(self, prompt_id: str) -> Progress:
        """Say where a prompt stands; what is overdue is settled first."""
        return self._prompts.progress(self._own(prompt_id))

    def progress_of(self, prompt_ids: Sequence[str]) -> list[Progress]:
        """Say where these prompts stand; those that are not the asker's are left out."""
        return self._prompts.progress_of(self._prompts.of_these(prompt_ids, self._asker.owners))

    def follow(
        self, found: Iterable[Progress], cursors: Mapping[str, Cursor | None], connection: Connection
    ) -> Following:
        """Follow prompts that were found to stand so; `Prompts.follow` says the rest."""
        return self._prompts.follow(found, cursors, connection, asker=self._asker)

    def request(self, prompt_id: str) -> Mapping[str, Any] | None:
        """Give what was asked; None once its text was erased."""
        return self._prompts.request(self._own(prompt_id))

    def answer(self, prompt_id: str) -> Mapping[str, Any] | None:
        """Give the model server's final record; None unless the prompt succeeded."""
        return self._prompts.answer(self._own(prompt_id))

    def origin(self, prompt_id: str) -> Origin | None:
        """Say by which face a prompt came; None where it came by none, or its text was erased."""
        return self._prompts.origin(self._own(prompt_id))

    def partial(self, prompt_id: str) -> str:
        """Give the text that has come so far, or had come when the prompt ended without an answer."""
        return self._prompts.partial(self._own(prompt_id))

    # ---- whose ------------------------------------------------------------------------------------------------------

    def _is_own(self, prompt_id: str) -> bool:
        return bool(self._prompts.of_these([prompt_id], self._asker.owners))

    def _own(self, prompt_id: str) -> str:
        if not self._is_own(prompt_id):
            raise PromptNotFound
        return prompt_id

    def _hold(self, prompt_id: str, is_enough: Callable[[Progress], bool], held: Held) -> Progress:
        found = self._prompts.hold(prompt_id, is_enough, held)
        if held.seconds and not self._keyring.knows(self._asker):
            raise Unauthorized
        return found


def _without_words(prompt: Prompt) -> Prompt:
    """Leave out what its client said of it."""
    return replace(prompt, metadata=None)
