"""The records of an answer: their fields, their order, and which are left out when they are zero."""

from dataclasses import dataclass, field
from typing import Any

from .clock import timestamp
from .question import Question

_LEAST_LIKELY = -29.945846557617188


@dataclass(kw_only=True)
class Answer:
    """What has been said so far, and what the last record tells of it. Durations are in nanoseconds."""

    question: Question
    texts: list[str] = field(default_factory=list)
    tool_calls: list[dict[str, Any]] = field(default_factory=list)
    context: list[int] = field(default_factory=list)
    total_duration: int = 0
    load_duration: int = 0
    prompt_eval_count: int = 0
    prompt_eval_duration: int = 0
    eval_count: int = 0
    eval_duration: int = 0

    def piece(self, text: str, tool_calls: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        """One record of the stream."""
        record = self._start(text, tool_calls) | {"done": False}
        return record | self._logprobs([text]) if text else record

    def loaded(self, reason: str) -> dict[str, Any]:
        """The answer to an empty prompt: `load` or `unload`."""
        return self._start("") | {"done": True, "done_reason": reason}

    def rendered(self, text: str) -> dict[str, Any]:
        """The answer to _debug_render_only."""
        record = self._start("") | {"done": False, "_debug_info": {"rendered_template": text}}
        if self.question.is_chat:
            record["message"] = {"role": "", "content": ""}
        return record

    def last(self, reason: str, *, whole: bool) -> dict[str, Any]:
        """The record with the counts, and with the whole text where nothing was streamed."""
        record = self._start("".join(self.texts) if whole else "", self.tool_calls if whole else None)
        record |= {"done": True, "done_reason": reason}
        logprobs = self._logprobs(self.texts) if whole else {}
        if self.question.is_chat:
            return record | logprobs | self._metrics()
        if not self.question.given.get("raw"):
            record["context"] = self.context
        return record | self._metrics() | logprobs

    def unfinished(self) -> dict[str, Any]:
        """A whole text with `done: false`, which is how the repeat guard ends an answer."""
        return self._start("".join(self.texts)) | {"done": False}

    def _start(self, text: str, tool_calls: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        record: dict[str, Any] = {"model": self.question.model, "created_at": timestamp()}
        if not self.question.is_chat:
            return record | {"response": text}
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if tool_calls:
            message["tool_calls"] = tool_calls
        return record | {"message": message}

    def _metrics(self) -> dict[str, int]:
        metrics = {
            "total_duration": self.total_duration,
            "load_duration": self.load_duration,
            "prompt_eval_count": self.prompt_eval_count,
            "prompt_eval_duration": self.prompt_eval_duration,
            "eval_count": self.eval_count,
            "eval_duration": self.eval_duration,
        }
        return {name: value for name, value in metrics.items() if value}

    def _logprobs(self, texts: list[str]) -> dict[str, Any]:
        if not self.question.given.get("logprobs"):
            return {}
        return {"logprobs": [_logprob(text, int(self.question.given.get("top_logprobs", 0))) for text in texts]}


def _logprob(text: str, top: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"token": text, "logprob": 0, "bytes": list(text.encode())}
    others = [(chr(number), _LEAST_LIKELY) for number in range(top - 1)]
    choices = [(text, 0), *others][:top]
    if top:
        entry["top_logprobs"] = [
            {"token": token, "logprob": logprob, "bytes": list(token.encode())} for token, logprob in choices
        ]
    return entry
