"""The response object: what was asked, where it stands, and what came of it. Keys and order are Ollama's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from promptqueue.prompt import Outcome, Prompt, Status

from proxy.calls.answer import Answer
from proxy.calls.failure import Failure
from proxy.calls.names import hex_of
from proxy.faces.openai.responses.writing import output
from proxy.faces.openai.responses.writing.failing import code_of
from proxy.faces.openai.responses.writing.output import Item

PREFIX = "resp_"

QUEUED = "queued"
IN_PROGRESS = "in_progress"
COMPLETED = "completed"
INCOMPLETE = "incomplete"
FAILED = "failed"
CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """A response whose prompt was accepted."""

    prompt_id: str
    created_at: int
    echo: Mapping[str, Any]
    metadata: Mapping[str, Any]

    @classmethod
    def of(cls, prompt: Prompt, echo: Mapping[str, Any]) -> Self:
        """Make it of a prompt, and of what its origin repeats."""
        return cls(
            prompt_id=prompt.id,
            created_at=int(prompt.created_at),
            echo=echo,
            metadata=prompt.metadata or {},
        )

    @property
    def id(self) -> str:
        """Its id."""
        return name_of(self.prompt_id)

    def waiting(self, status: str, text: str = "") -> dict[str, Any]:
        """Give it while it stands in line or is being answered, with the text that has come so far."""
        said = [output.message(self.prompt_id, text, output.IN_PROGRESS)] if text else []
        return self._body(status, items=said)

    def answered(self, answer: Answer) -> dict[str, Any]:
        """Give it with its answer."""
        return self._body(
            INCOMPLETE if answer.is_cut else COMPLETED,
            items=output.items(self.prompt_id, answer, self.namespaces),
            completed_at=answer.completed_at,
            incomplete_details={"reason": "max_output_tokens"} if answer.is_cut else None,
            usage=_usage(answer),
        )

    def ended(self, status: str, failure: Failure | None = None, text: str = "") -> dict[str, Any]:
        """Give it once it has ended without an answer, with the text that had come by then."""
        said = [output.message(self.prompt_id, text, output.INCOMPLETE)] if text else []
        error = None if failure is None else {"code": code_of(failure), "message": failure.message}
        return self._body(status, items=said, error=error)

    @property
    def namespaces(self) -> list[str]:
        """The namespaces of its tools."""
        return namespaces_of(self.echo)

    def _body(  # noqa: PLR0913 (by name, and in one place)
        self,
        status: str,
        *,
        items: Sequence[Item] = (),
        completed_at: float | None = None,
        incomplete_details: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
        usage: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        echo = self.echo
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created_at,
            "completed_at": None if completed_at is None else int(completed_at),
            "status": status,
            "incomplete_details": incomplete_details,
            "model": echo["model"],
            "previous_response_id": echo["previous_response_id"],
            "instructions": echo["instructions"],
            "output": list(items),
            "error": error,
            "tools": echo["tools"],
            "tool_choice": echo["tool_choice"],
            "truncation": echo["truncation"],
            "parallel_tool_calls": echo["parallel_tool_calls"],
            "text": echo["text"],
            "top_p": echo["top_p"],
            "presence_penalty": 0,
            "frequency_penalty": 0,
            "top_logprobs": 0,
            "temperature": echo["temperature"],
            "reasoning": echo["reasoning"],
            "usage": usage,
            "max_output_tokens": echo["max_output_tokens"],
            "max_tool_calls": echo["max_tool_calls"],
            "store": echo["store"],
            "background": echo["background"],
            "service_tier": echo["service_tier"],
            "metadata": self.metadata,
            "safety_identifier": echo["safety_identifier"],
            "prompt_cache_key": echo["prompt_cache_key"],
        }


def namespaces_of(echo: Mapping[str, Any]) -> list[str]:
    """Name the namespaces of the tools that a response repeats."""
    return [tool["name"] for tool in echo["tools"] if tool.get("type") == "namespace"]


def name_of(prompt_id: str) -> str:
    """Give the id of the response of a prompt."""
    return f"{PREFIX}{hex_of(prompt_id)}"


def status_of(prompt: Prompt) -> str:
    """Say a prompt's status in this protocol's words; that of one that succeeded is for its answer to say."""
    if prompt.outcome is None:
        return QUEUED if prompt.status is Status.QUEUED else IN_PROGRESS
    return CANCELLED if prompt.outcome is Outcome.CANCELLED else FAILED


def _usage(answer: Answer) -> dict[str, Any]:
    return {
        "input_tokens": answer.prompt_tokens,
        "output_tokens": answer.tokens,
        "total_tokens": answer.prompt_tokens + answer.tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},  # the last one OpenAI's types require
        "output_tokens_details": {"reasoning_tokens": 0},
    }
