"""What a client asks through a face, in neutral words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptqueue.prompt import Priority


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request that a face has read and found good.

    `request` is what `NewPrompt.request` wants: JSON in the words of Ollama's API. `echo` is JSON as well: whatever the
    answer repeats of the request, and whatever the face must know to write it; it is kept with the prompt.
    """

    request: Mapping[str, Any]
    echo: Mapping[str, Any]
    streams: bool
    priority: Priority = Priority.INTERACTIVE
    expires_in: float | None = None  # seconds it may wait
    metadata: Mapping[str, Any] | None = None
    in_background: bool = False  # nobody waits for it, so that nobody's leaving cancels it
    is_stored: bool = True  # False: erased once it was delivered
    ignored: tuple[str, ...] = ()  # fields that were understood and dropped, for the header X-Ignored
