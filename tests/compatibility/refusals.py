"""What is refused, and by which exception a client's caller knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from compatibility.clients import Face

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from compatibility.clients import Client

LONG = "word " * 40_000


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """One case: what is asked, and the status that each protocol has for it."""

    case: Mapping[str, Any]
    text: str = "Is this refused?"
    status: Mapping[Face, int]
    kinds: Mapping[str, str]
    """The exception of each official client."""
    streams: Sequence[bool] = (True, False)
    is_queued: bool = True
    """Whether it is found out only once it stood in line, where a stream of responses has begun already."""

    def expected(self, client: Client, *, stream: bool) -> tuple[str, int | None]:
        """Give the exception's class and the status that it carries."""
        if stream and self.is_queued and client.face is Face.RESPONSES:
            return "APIError", None
        return self.kinds[client.name], self.status[client.face]


def _each(ollama: int, others: int) -> dict[Face, int]:
    return {face: ollama if face is Face.OLLAMA else others for face in Face}


def _kinds(ollama_go: str, openai_python: str, openai_js: str) -> dict[str, str]:
    return {
        "ollama-python": "ResponseError",
        "ollama-js": "ResponseError",
        "ollama-go": ollama_go,
        "openai-python": openai_python,
        "openai-python-responses": openai_python,
        "openai-js": openai_js,
        "openai-js-responses": openai_js,
        "anthropic-python": openai_python,
        "anthropic-js": openai_js,
    }


NOT_FOUND = _kinds("api.StatusError", "NotFoundError", "NotFoundError")
BAD = _kinds("api.StatusError", "BadRequestError", "BadRequestError")
FAILED = _kinds("api.StatusError", "InternalServerError", "InternalServerError")

REFUSALS: dict[str, Refusal] = {
    "unknown model": Refusal(case={"model": "nope"}, is_queued=False, status=_each(404, 404), kinds=NOT_FOUND),
    "prompt longer than the context": Refusal(case={}, text=LONG, status=_each(400, 400), kinds=BAD),
    "refused by the model": Refusal(case={}, streams=(False,), status=_each(400, 400), kinds=BAD),
    "no answer after all attempts": Refusal(case={}, streams=(False,), status=_each(500, 500), kinds=FAILED),
}
SLIDES = frozenset({"prompt longer than the context"})
"""Cases in which a chat of Ollama's is answered: its window slides, as Ollama's own does."""


def clients_of(name: str, clients: list[Client]) -> list[Client]:
    """Give those of these clients that are refused."""
    known = [client for client in clients if client.name in REFUSALS[name].kinds]
    return [client for client in known if name not in SLIDES or client.face is not Face.OLLAMA]
