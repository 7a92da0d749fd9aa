"""A prompt followed live through the whole product, from the model server's words to the reader's."""

import contextlib
import http.client
import json
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from simulator.client import Simulator
from support.stack import Stack
from support.waiting import until

WORDS = " ".join(f"word{number}" for number in range(60))


class Reader:
    """Reads a stream in a thread, and goes on where it was whenever the connection is lost, as an EventSource does."""

    def __init__(self, stack: Stack, path: str) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.at: list[float] = []
        self.connections = 0
        self._stack = stack
        self._path = path
        self._last_id: str | None = None
        self._thread = threading.Thread(target=self._read_on, daemon=True)
        self._thread.start()

    def text(self, prompt_id: str | None = None) -> str:
        """What the tokens add up to; a higher attempt starts anew."""
        attempt, text = 0, ""
        for kind, data in list(self.events):
            if kind == "token" and data.get("id") == prompt_id:
                text = (text if data["attempt"] == attempt else "") + data["text"]
                attempt = data["attempt"]
        return text

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [data for one, data in list(self.events) if one == kind]

    def end(self, timeout: float = 30) -> None:
        """Wait until it was told not to come back."""
        self._thread.join(timeout)
        assert not self._thread.is_alive(), f"still open after {self.events[-3:]}"

    def _read_on(self) -> None:
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self._read_once() == 204:
                    return
            time.sleep(0.1)

    def _read_once(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self._stack.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", self._path, headers={"Last-Event-ID": self._last_id} if self._last_id else {})
            answer = connection.getresponse()
            self.connections += answer.status == 200
            fields: dict[str, str] = {}
            for line in answer:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name:
                    fields[name] = value
                elif "data" in fields:
                    self._last_id = fields["id"]
                    self.events.append((fields["event"], json.loads(fields["data"])))
                    self.at.append(time.monotonic())
                    fields = {}
            return answer.status


@pytest.mark.ollama(pace=0.05, text=WORDS)
def test_a_reader_sees_each_token_while_the_model_still_speaks(stack: Stack, simulator: Simulator) -> None:
    prompt_id = stack.submit("Talk.")

    reader = Reader(stack, f"/api/v1/prompt/{prompt_id}/events")
    simulator.wait_for_tokens(1, 10)
    until(lambda: len(reader.of_kind("token")) >= 9, "nine tokens were read")
    status_then = stack.status(prompt_id)["status"]
    reader.end()

    assert status_then == "processing"
    assert reader.text() == WORDS == stack.answer(prompt_id)
    assert len(reader.of_kind("token")) >= 50  # of 60: on a busy machine two may come together
    assert reader.events[-1] == ("completed", stack.status(prompt_id))
    assert reader.connections == 1


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

    assert readers[0].text() == readers[1].text(first) == stack.answer(first) == WORDS
    assert readers[1].text(second) == stack.answer(second) == WORDS
    assert {data["attempt"] for data in readers[0].of_kind("completed")} == {2}
    assert [len(reader.of_kind("completed")) for reader in readers] == [1, 2]
