"""What the client asks and what the model does with it, in tests that answer by hand."""

from __future__ import annotations

from promptqueue.prompt import Failed

MODEL = "llama3.2"
HI = [{"role": "user", "content": "hi"}]


def chat(client, **fields):
    """Ask something of the model, with these fields besides."""
    return client.chat.completions.create(model=MODEL, **{"messages": HI, **fields})


def record(text="", calls=(), reason="stop"):
    """The final record of a chat."""
    message = {"role": "assistant", "content": text} | ({"tool_calls": list(calls)} if calls else {})
    return {
        "message": message,
        "done": True,
        "done_reason": reason,
        "prompt_eval_count": 36,
        "eval_count": 3,
    }


def says(*pieces, calls=(), reason="stop"):
    """Say these pieces, and call these tools."""

    def deed(worker, claim):
        worker.speak(claim, *pieces)
        worker.finish(claim, record("".join(pieces), calls, reason))

    return deed


def fails(code, *pieces):
    """Say these pieces, and fail."""

    def deed(worker, claim):
        worker.speak(claim, *pieces, write=True)
        worker.queue.finish(claim, Failed(cause="It failed.", code=code))

    return deed
