"""A recorded request, sent again byte for byte."""

import contextlib
import time
from typing import Any

from .raw import Raw, Reply
from .transcript import sent

PAUSE = 0.05  # seconds; the recorded ones are longer


def exchange(port: int, case: dict[str, Any]) -> tuple[list[Reply], str]:
    """Send what was sent; the replies, and what the connection did afterwards."""
    answer = case["answer"]
    count = len(answer["answers"]) if "answers" in answer else int("status" in answer)
    method = case.get("request", "").split(" ")[0]
    with Raw(port) as raw:
        if "raw" in case:
            for part in case["raw"]:
                if isinstance(part, str):
                    raw.send(sent(part.replace("HOST", raw.host)))
                else:
                    time.sleep(min(part, PAUSE))  # the recorded pause, shortened: it is part of what is sent
        else:
            method, path = case["request"].split(" ", 1)
            raw.request(method, path, sent(case.get("body", "")), case.get("headers"))
        replies = [raw.reply(method) for _ in range(count)]
        with contextlib.suppress(ConnectionResetError):
            if answer.get("then") == "silent" and not raw.is_closed(within=0.2):
                return replies, "silent"
            if answer.get("then") == "closed":
                return replies, "closed" if raw.is_closed(within=2) else "open"
        return replies, answer.get("then", "open")
