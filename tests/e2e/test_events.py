"""A prompt followed live through the whole product, from the model server's words to the reader's."""

import contextlib
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from simulator.client import Simulator
from support.client import NOBODY
from support.events import Event, Follower, events_in, text_of
from support.stack import Stack
from support.waiting import until

WORDS = " ".join(f"word{number}" for number in range(60))


class Reader(Follower):
    """Goes on where it was whenever the connection is lost, as an EventSource does."""

    def __init__(self, stack: Stack, path: str) -> None:
        self.connections = 0
        self._stack = stack
        self._path = path
        super().__init__(self._read_on())

    def _read_on(self) -> Iterator[Event]:
        headers: dict[str, str] = {}
        while True:
            with contextlib.suppress(*NOBODY), self._stack.answered("GET", self._path, **headers) as answer:
                if answer.status == 204:  # told not to come back
                    return
                self.connections += answer.status == 200
                for event in events_in(answer):
                    headers = {"Last-Event-ID": event.id} if event.id else headers
                    yield event
            time.sleep(0.1)


@pytest.mark.both_engines
@pytest.mark.ollama(pace=0.05, text=WORDS)
def test_a_reader_sees_each_token_while_the_model_still_speaks(stack: Stack, simulator: Simulator) -> None:
    prompt_id = stack.submit("Talk.")

    reader = Reader(stack, f"/api/v1/prompt/{prompt_id}/events")
    simulator.wait_for_tokens(1, 10)
    until(lambda: len(reader.of_kind("token")) >= 9, "nine tokens were read")
    status_then = stack.status(prompt_id)["status"]
    reader.end()

    assert status_then == "processing"
    assert reader.text == WORDS == stack.answer(prompt_id)
    assert len(reader.of_kind("token")) > 20  # of 60: on a busy machine some come together
    assert (reader.events[-1].kind, reader.events[-1].data) == ("completed", stack.status(prompt_id))
    assert reader.connections == 1


@pytest.mark.both_engines
@pytest.mark.ollama(pace=0.05, text=WORDS)
def test_a_reader_goes_on_across_a_restart_of_the_proxy_and_another_attempt(
    build: Callable[..., Stack], simulator: Simulator
) -> None:
    simulator.fault("hang_between_tokens", after=20)
    stack = build()
    stack.start_worker()
    proxy = stack.start_proxy()
    first, second = stack.submit("Talk."), stack.submit("Talk more.")
    readers = [Reader(stack, f"/api/v1/prompt/{first}/events"), Reader(stack, f"/api/v1/events?id={first}&id={second}")]

    until(lambda: len(readers[0].of_kind("token")) > 5, "it speaks")
    proxy.send_signal(signal.SIGTERM)
    proxy.wait(20)
    before = [reader.connections for reader in readers]
    stack.start_proxy()
    until(lambda: all(one.connections > had for one, had in zip(readers, before, strict=True)), "both are back")
    stack.worker_process().signal(signal.SIGKILL)
    for reader in readers:
        reader.end(60)

    assert readers[0].text == text_of(readers[1].events, first) == stack.answer(first) == WORDS
    assert text_of(readers[1].events, second) == stack.answer(second) == WORDS
    assert {event.data["attempt"] for event in readers[0].of_kind("completed")} == {2}
    assert [len(reader.of_kind("completed")) for reader in readers] == [1, 2]
