"""Where a stream of a stored response goes on for a client that has read some of its events."""

from dataclasses import dataclass

from promptqueue.prompt import Status

from proxy.calls.errors import InvalidAsked
from proxy.faces.openai.responses.stored import Stored
from proxy.faces.openai.responses.writing import numbers
from proxy.faces.openai.responses.writing.writer import ResponseWriter

MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Start:
    """Who writes from here on, and where in the text of which attempt."""

    writer: ResponseWriter
    attempt: int = 0
    offset: int = 0  # in code points


def start(found: Stored, starting_after: str | None) -> Start:
    """Say how a stream of this response begins that is to follow an event; None is for one from the very beginning.

    Raises InvalidAsked for what is no number of an event, and where the client has text that was begun anew since.
    """
    if starting_after is None:
        return Start(ResponseWriter(found.response, is_held=False))
    if not (starting_after.isascii() and starting_after.isdigit() and len(starting_after) <= MOST_DIGITS):
        message = "starting_after is the sequence_number of an event."
        raise InvalidAsked(message, param="starting_after")
    after = int(starting_after)
    place, prompt = numbers.place(after), found.progress.prompt
    if place.attempt > max(1, prompt.attempt):
        message = f"No event of this response has a sequence_number beyond {after} yet."
        raise InvalidAsked(message, param="starting_after")
    is_begun_anew = place.attempt < prompt.attempt or prompt.status is Status.QUEUED
    if place.has_text and is_begun_anew:
        message = (
            f"The text that followed event {after} was begun anew by another attempt. Read the response from its "
            "beginning, without starting_after."
        )
        raise InvalidAsked(message, param="starting_after", code="response_restarted")
    offset = place.offset if found.is_going_on else min(place.offset, len(found.text))
    return Start(ResponseWriter(found.response, is_held=False, after=after, length=offset), place.attempt, offset)
