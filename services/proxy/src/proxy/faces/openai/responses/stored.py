"""Responses that are stored: found by their ids, gone on from, and referred to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from promptqueue.errors import PromptNotFound
from promptqueue.prompt import Outcome, Progress, Status

from proxy.access.asker import current
from proxy.calls.answer import Answer
from proxy.calls.errors import InvalidAsked, of_prompt
from proxy.calls.failure import Kind
from proxy.calls.held_calls import HeldCalls
from proxy.calls.names import prompt_id_of
from proxy.faces.openai.responses.reading.past import Item, Message, Named, Past, said
from proxy.faces.openai.responses.writing import output
from proxy.faces.openai.responses.writing.response import PREFIX, Response, namespaces_of, status_of
from proxy.own_prompts import OwnPrompts
from proxy.parts import Parts

FACE = "openai.responses"


@dataclass(frozen=True, slots=True)
class Stored:
    """A response as it was found."""

    progress: Progress
    response: Response
    answer: Answer | None
    text: str  # that is stored so far, the answer's, or what had come when it ended without one

    @property
    def is_going_on(self) -> bool:
        """Whether it has no end yet."""
        return self.progress.prompt.outcome is None

    @property
    def prompt_id(self) -> str:
        """The id of its prompt."""
        return self.progress.prompt.id

    @property
    def in_background(self) -> bool:
        """Whether it goes on though nobody waits for it."""
        return bool(self.response.echo["background"])

    def body(self) -> dict[str, Any]:
        """Give it as it stands."""
        if self.answer:
            return self.response.answered(self.answer)
        status = status_of(self.progress.prompt)
        if self.is_going_on:
            return self.response.waiting(status, self.text)
        failure = None if self.progress.prompt.outcome is Outcome.CANCELLED else of_prompt(self.progress)
        return self.response.ended(status, failure, self.text)


class StoredResponses:
    """Finds responses that their clients let be stored."""

    def __init__(self, calls: HeldCalls, parts: Parts) -> None:
        self._calls = calls
        self._parts = parts

    def find(self, response_id: str) -> Stored:
        """Find one. Raises InvalidAsked."""
        try:
            return self._find(prompt_id_of(response_id, PREFIX))
        except PromptNotFound:
            message = f"Response with id '{response_id[:60]}' not found."
            raise InvalidAsked(message, kind=Kind.NOT_FOUND, code="not_found") from None

    def messages(self, found: Stored) -> Sequence[Message]:
        """Give what the model read for a response, all but the instructions. Raises PromptNotFound."""
        request = self._prompts.request(found.prompt_id)
        return request["messages"] if request else ()

    def recall(self, names: Named) -> Past:
        """Give what earlier responses leave to one that names them; items that nobody put out are left out.

        Raises InvalidAsked where nothing can go on from the response.
        """
        items: dict[str, Item] = {}
        for prompt_id in sorted(set(_prompt_ids(names.items))):
            items |= {item["id"]: item for item in self._put_out(prompt_id)}
            self._parts.concurrency.idle()  # there may be hundreds, and each answer may be long
        if names.response is None:
            return Past(items=items)
        try:
            prompt_id = prompt_id_of(names.response, PREFIX)
            echo = self._echo(prompt_id)
            request, answer = self._prompts.request(prompt_id), self._prompts.answer(prompt_id)
        except PromptNotFound:
            request = answer = None
        if request is None or answer is None:
            message = f"Previous response with id '{names.response[:60]}' not found, or not completed."
            raise InvalidAsked(message, param="previous_response_id", code="previous_response_not_found")
        return Past([*request["messages"], said(prompt_id, Answer(answer))], echo["depth"], items)

    @property
    def _prompts(self) -> OwnPrompts:
        """Whoever asks now sees its own alone."""
        return self._parts.own(current())

    def _put_out(self, prompt_id: str) -> list[Item]:
        """Give the items that an earlier response put out; none where there is none."""
        try:
            echo, answer = self._echo(prompt_id), self._prompts.answer(prompt_id)
        except PromptNotFound:
            return []
        return [*output.items(prompt_id, Answer(answer), namespaces_of(echo))] if answer else []

    def _echo(self, prompt_id: str) -> Mapping[str, Any]:
        """Give what a response repeats that its client let be stored. Raises PromptNotFound."""
        echo = self._calls.origin(FACE, prompt_id).echo
        if not echo["store"]:
            raise PromptNotFound
        return echo

    def _find(self, prompt_id: str) -> Stored:
        """Find the response of a prompt. Raises PromptNotFound."""
        echo = self._echo(prompt_id)
        progress = self._prompts.progress(prompt_id)
        prompt, answer = progress.prompt, None
        if prompt.outcome is Outcome.SUCCEEDED and (record := self._prompts.answer(prompt_id)):
            answer = Answer(record, prompt.completed_at)
        is_lost = progress.text_attempt < prompt.attempt or prompt.status is Status.QUEUED  # it is begun anew
        text = "" if is_lost else self._prompts.partial(prompt_id)
        return Stored(
            progress=progress,
            response=Response.of(prompt, echo),
            answer=answer,
            text=answer.text if answer else text,
        )


def _prompt_ids(items: Iterable[str]) -> Iterator[str]:
    """Name the prompts whose responses put these items out; what cannot be an item of ours is left out."""
    for name in items:
        with suppress(PromptNotFound):
            yield prompt_id_of(name.partition("_")[2].partition("_")[0], "")
