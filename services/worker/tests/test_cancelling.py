"""A cancelled prompt frees the model within a second, whatever Ollama is doing."""

from __future__ import annotations

import pytest
from promptqueue.errors import PromptNotFound
from promptqueue.prompt import Outcome, Status


def test_a_cancel_in_mid_stream_closes_the_connection(worker, ollama, queue, ask, wait_until):
    ollama.set(pace=0.02, text="word " * 1000)
    worker()
    prompt = ask("Hi")
    wait_until(lambda: queue.partial(prompt.id), within=10)

    queue.cancel(prompt.id)

    assert wait_until(lambda: ollama.left == 1, within=2) < 1
    assert queue.get(prompt.id).outcome is Outcome.CANCELLED
    assert queue.answer(prompt.id) is None


@pytest.mark.parametrize("kind", ["hang_before_headers", "hang_before_first_token"])
def test_a_cancel_before_the_first_byte_closes_the_connection(worker, ollama, queue, ask, wait_until, kind):
    ollama.fault(kind)
    worker()
    prompt = ask("Hi")
    wait_until(lambda: ollama.asked("/api/generate"), within=10)

    queue.cancel(prompt.id)

    assert wait_until(lambda: ollama.left == 1, within=2) < 1


def test_a_cancel_between_two_tokens_closes_the_connection(worker, ollama, queue, ask, wait_until):
    ollama.fault("hang_between_tokens")
    worker()
    prompt = ask("Hi")
    wait_until(lambda: queue.partial(prompt.id), within=10)

    queue.cancel(prompt.id)

    assert wait_until(lambda: ollama.left == 1, within=2) < 1


def test_a_deleted_prompt_closes_the_connection(worker, ollama, queue, ask, wait_until):
    ollama.fault("hang_between_tokens")
    worker()
    prompt = ask("Hi")
    wait_until(lambda: queue.partial(prompt.id), within=10)

    queue.delete(prompt.id)

    assert wait_until(lambda: ollama.left == 1, within=2) < 1
    with pytest.raises(PromptNotFound):
        queue.get(prompt.id)


def test_a_cancel_that_nobody_was_told_of_is_noticed_all_the_same(worker, ollama, queue, ask, wait_until, tmp_path):
    ollama.fault("hang_before_first_token")
    worker()
    prompt = ask("Hi")
    wait_until(lambda: ollama.asked("/api/generate"), within=10)
    for socket in (tmp_path / "data" / "wake").iterdir():
        socket.unlink()

    queue.cancel(prompt.id)

    assert wait_until(lambda: ollama.left == 1, within=2) < 1


def test_the_next_prompt_begins_at_once_after_a_cancel(worker, ollama, queue, ask, wait_until):
    ollama.fault("hang_between_tokens")
    worker()
    prompt, following = ask("Hi"), ask("Ho")
    wait_until(lambda: queue.partial(prompt.id), within=10)

    queue.cancel(prompt.id)

    assert wait_until(lambda: queue.get(following.id).status is not Status.QUEUED, within=2) < 1
