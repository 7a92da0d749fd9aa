"""What people ask, what they are answered, their keys and passwords stand in no log, however much is logged."""

from collections.abc import Callable

from simulator.client import Simulator
from support.stack import Stack

ASKED = "xylophone-question"
ANSWERED = "zeppelin-answer"
KEY = "quagmire-key-0123456789"


def test_no_log_holds_a_prompt_an_answer_or_a_key(build: Callable[..., Stack], simulator: Simulator) -> None:
    simulator.set(text=f"{ANSWERED} and {ANSWERED} more, over and over")
    simulator.fault("error_line", match="fails")
    simulator.fault("status", status=400, text=f"no: {ASKED}", match="refused")
    simulator.fault("hang_between_tokens", match="hangs")
    stack = build(LOG_LEVEL="debug", OLLAMA_URLS=simulator.url.replace("://", f"://somebody:{KEY}@"))
    stack.start()

    good = stack.submit(f"{ASKED} is fine", key=KEY, system=ASKED, metadata={"mine": ASKED})
    stack.submit(f"{ASKED} is fine", key=KEY, system=ASKED, metadata={"mine": ASKED})
    chat = stack.submit(messages=[{"role": "user", "content": ASKED}])
    others = [stack.submit(f"{ASKED} {what}") for what in ("fails", "is refused")]
    hangs = stack.submit(f"{ASKED} hangs", timeout=1)
    assert stack.post("/api/v1/prompt", {"prompt": ASKED}, Idempotency_Key=KEY).status == 409
    assert stack.post("/api/v1/prompt", {"prompt": ASKED, ASKED: 1}).status == 400
    assert stack.call("POST", "/api/v1/prompt", f'{{"prompt": "{ASKED}'.encode()).status == 400
    results = [stack.result(each).status for each in (good, chat, *others, hangs)]
    stack.cancel(stack.submit(f"{ASKED} is cancelled"))
    stack.delete(f"/api/v1/prompt/{good}")

    assert results == [200, 200, 200, 410, 410]
    for name, told in (("proxy", "prompt accepted"), ("worker", "prompt finished")):
        log = stack.log(name)
        assert f"{told} id={good}" in log
        assert [word for word in (ASKED, ANSWERED, "zeppelin", KEY) if word in log] == []
