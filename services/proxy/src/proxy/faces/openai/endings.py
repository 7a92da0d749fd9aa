"""What OpenAI's older endpoints say at the end of an answer: why it ended, and how many tokens it took."""

from proxy.calls.answer import Answer

FINGERPRINT = "fp_ollama"  # as Ollama's own compatibility layer says

NO_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def finish_of(answer: Answer) -> str:
    """Give the reason why an answer ended."""
    reason: str = answer.record.get("done_reason") or "stop"
    return "tool_calls" if answer.calls and reason == "stop" else reason


def usage_of(answer: Answer) -> dict[str, int]:
    """Give the counts of tokens."""
    prompt, answered = answer.prompt_tokens, answer.tokens
    return {"prompt_tokens": prompt, "completion_tokens": answered, "total_tokens": prompt + answered}
