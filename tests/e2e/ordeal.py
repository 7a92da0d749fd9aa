"""One prompt that meets one fault of Ollama's: what its client saw, what the worker did, what it cost."""

from __future__ import annotations

import json
import re
import signal
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from processes import until
from promptqueue import connect
from simulator.client import Simulator
from simulator.repertoire import CRASHING, FAILING, PASSING, REFUSING, WELL
from stack import Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from front_door import Reply

WORDS = "one two three four five six seven eight"
NOWHERE = "http://nowhere.invalid:11434"
SETTINGS = {"FIRST_BYTE_TIMEOUT": "3", "IDLE_TIMEOUT": "2"}
"""Where the defaults would take minutes. A load may take longer than a gap between tokens, and less than the other."""
AWAY = re.compile(r"is (unreachable|missing)\b.*: ")  # and why

DEEDS = {
    "prompt given back": "gave it back",
    "outcome=retried": "tried again",
    "model not ready": "held the line back",
    "download finished": "downloaded the model",
    "model unloaded": "unloaded the model",
    "outcome=succeeded": "ended it as succeeded",
    "outcome=failed": "ended it as failed",
}
"""Words of the worker's log, in the order in which its threads may write them, and what they say that it did."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of the prompt, in the words of the page."""

    fault: str
    client: str
    worker: str
    calls: int
    failures: int

    def __str__(self) -> str:
        cells = (self.fault, self.client, self.worker, self.calls, self.failures)
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a fault comes, what happens once the prompt was handed in, and how it is mended once it is noticed."""

    comes: Callable[[Ordeal], None]
    goes_on: Callable[[Ordeal], None] = lambda _: None
    is_mended: Callable[[Ordeal], None] = lambda _: None


class Ordeal:
    """A product that is made to suffer, prompt by prompt, with the simulator in Ollama's place."""

    def __init__(self, stack: Stack, simulator: Simulator, journal: Path) -> None:
        self.stack = stack
        self.simulator = simulator
        self._journal = journal

    def row(self, fault: str) -> Row:
        """Let a prompt meet this fault; the next one must be answered as if nothing had been."""
        course = COURSES[fault]
        until(lambda: self.model()["ok"], "the model is ready")
        said = len(self.stack.log("worker"))
        course.comes(self)
        prompt_id = self.stack.submit(fault)
        course.goes_on(self)
        meanwhile = self._meanwhile(prompt_id)
        course.is_mended(self)
        end = told(self.stack.result(prompt_id))
        self.simulator.clear_faults()
        following = self.stack.submit(f"After: {fault}")
        assert (self.stack.answer(following), self.stack.status(following)["attempt"]) == (WORDS, 1)
        return self._row(fault, prompt_id, f"{meanwhile}; then {end}" if meanwhile else end, said)

    def row_of_nowhere(self, fault: str) -> Row:
        """Hand a prompt in where the worker's Ollama has a name that nobody knows."""
        prompt_id = self.stack.submit(fault)
        return self._row(fault, prompt_id, f"{self._meanwhile(prompt_id)}, until the name is known", 0)

    def model(self) -> dict[str, object]:
        """What /readyz says of the model."""
        return dict(self.stack.get("/readyz").json["checks"]["model"])

    def _meanwhile(self, prompt_id: str) -> str:
        """Wait until the prompt has ended, or waits for a model that is away; what its client is told meanwhile."""

        def seen() -> tuple[str, dict[str, object]] | None:
            model, status = self.model(), str(self.stack.status(prompt_id)["status"])
            is_away = AWAY.search(str(model["detail"]))
            is_waiting = is_away and status == "queued"
            return (status, model) if is_waiting or status == "completed" else None

        status, model = until(seen, f"{prompt_id} waits or has ended", 60)
        if status == "completed":
            return ""
        # Why a name is not known is told in the words of this machine's system, in brackets.
        words = str(model["detail"]).partition(" (")[0]
        return f"`{status}`, and `/readyz` says “{words}”"

    def _row(self, fault: str, prompt_id: str, client: str, said: int) -> Row:
        return Row(
            fault=fault,
            client=client,
            worker=done(self.stack.log("worker")[said:], prompt_id),
            calls=self._calls(fault),
            failures=self._failures(prompt_id),
        )

    def _calls(self, prompt: str) -> int:
        """How many calls came for this prompt; the journal knows them whatever became of the simulator."""
        calls = map(json.loads, self._journal.read_text().splitlines())
        return len({call["received"] for call in calls if call["body"]["prompt"] == prompt})

    def _failures(self, prompt_id: str) -> int:
        with closing(connect(f"sqlite:///{self.stack.folder}/data/queue.db")) as queue:
            return queue.get(prompt_id).failures


@contextmanager
def ordeal(folder: Path, variables: Mapping[str, str] | None = None) -> Iterator[Ordeal]:
    """A whole product in `folder` and a simulator, with short deadlines; `variables` besides."""
    journal = folder / "calls.jsonl"
    with Simulator(text=WORDS, pace=0.01, journal=journal) as simulator:
        stack = Stack(folder / "stack", simulator, {**SETTINGS, **(variables or {})})
        try:
            stack.start()
            yield Ordeal(stack, simulator, journal)
        finally:
            stack.stop()


def told(reply: Reply) -> str:
    """What the result says to the client."""
    body = reply.json
    end = f"{reply.status} `{body['outcome']}`"
    if reply.status == 200:
        text = body["response"]
        whole = "the whole answer" if text == WORDS else f"{len(text):,} characters"
        return f"{end}: {whole}"
    partial = f"; `partial`: “{body['partial']}”" if body["partial"] else ""
    return f"{end}, `{body['error']['code']}`: “{body['error']['message']}”{partial}"


def done(log: str, prompt_id: str) -> str:
    """What the worker says that it did with this prompt and with the model."""
    lines = [line for line in log.splitlines() if prompt_id in line or " prompt " not in line]
    counts = {deed: sum(words in line for line in lines) for words, deed in DEEDS.items()}
    counts["held the line back"] = min(counts["held the line back"], 1)  # said again when its reason changes
    return ", ".join(f"{deed} {count}×" if count > 1 else deed for deed, count in counts.items() if count)


# ---- how each fault comes and goes -----------------------------------------------------------------------------------


def _told(fault: Mapping[str, object]) -> Course:
    return Course(comes=lambda ordeal: ordeal.simulator.fault(**fault))


def _crashes(fault: Mapping[str, object]) -> Course:
    return Course(comes=lambda ordeal: ordeal.simulator.fault(**fault), is_mended=lambda ordeal: _start(ordeal))


def _hang(ordeal: Ordeal) -> None:
    ordeal.simulator.reset()  # it counts calls from 1 again
    ordeal.simulator.fault("hang_between_tokens")


def _end(ordeal: Ordeal) -> None:
    ordeal.simulator.wait_for_tokens(1, 3)
    ordeal.simulator.stop()


def _start(ordeal: Ordeal) -> None:
    ordeal.simulator.start()


def _stand_still(ordeal: Ordeal) -> None:
    ordeal.simulator.signal(signal.SIGSTOP)
    until(lambda: not ordeal.model()["ok"], "it is noticed")


def _stir(ordeal: Ordeal) -> None:
    ordeal.simulator.signal(signal.SIGCONT)


COURSES = {
    **{name: _told(fault) for several in (FAILING, REFUSING, PASSING, WELL) for name, fault in several.items()},
    **{name: _crashes(fault) for name, fault in CRASHING.items()},
    "the server is restarted in mid-answer": Course(comes=_hang, goes_on=_end, is_mended=_start),
    "the server is stopped and goes on": Course(comes=_stand_still, is_mended=_stir),
}
