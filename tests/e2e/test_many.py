"""Many prompts at once: each is answered once, with its own answer, in its turn."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from simulator.client import Simulator
from simulator.text import answer_to
from support.stack import Stack


@pytest.mark.both_engines
@pytest.mark.ollama(pace=0.0005)
def test_thirty_prompts_of_ten_clients_are_each_answered_once_in_order_of_acceptance(
    stack: Stack, simulator: Simulator
) -> None:
    def ask(client: int) -> list[tuple[str, float, float, str]]:
        asked = []
        for number in range(3):
            prompt = f"Client {client} asks question {number}."
            sent_at = time.monotonic()
            prompt_id = stack.submit(prompt)
            asked.append((prompt, sent_at, time.monotonic(), prompt_id))
        return asked

    with ThreadPoolExecutor(10) as clients:
        asked = [each for some in clients.map(ask, range(10)) for each in some]
        answers = list(clients.map(lambda each: stack.answer(each[3]), asked))

    assert answers == [answer_to(prompt) for prompt, _, _, _ in asked]
    called = [call["body"]["prompt"] for call in simulator.calls()]
    assert sorted(called) == sorted(prompt for prompt, _, _, _ in asked)
    times = {prompt: (sent_at, accepted_at) for prompt, sent_at, accepted_at, _ in asked}
    # Of two that were under way at the same time either may be first.
    assert all(times[earlier][0] < times[later][1] for earlier, later in pairwise(called))
    created = {prompt: stack.status(prompt_id)["created_at"] for prompt, _, _, prompt_id in asked}
    assert [created[prompt] for prompt in called] == sorted(created.values())
