"""One fault of Ollama's and a prompt that meets it, alone and beside others: what its client saw, and what it cost."""

from __future__ import annotations

import json
import re
import signal
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from promptqueue import connect
from simulator.client import Simulator
from simulator.repertoire import CRASHING, FAILING, PASSING, REFUSING, TURNING_AWAY, WELL
from support.stack import Stack
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from support.client import Reply

WORDS = "one two three four five six seven eight"
NOWHERE = "http://nowhere.invalid:11434"
SETTINGS = {"FIRST_BYTE_TIMEOUT": "3", "IDLE_TIMEOUT": "2"}
"""Where the defaults would take minutes. A load may take longer than a gap between tokens, and less than the other."""
IMPATIENT = {"PYTHONPATH": str(Path(__file__).resolve().parent / "impatient")}
"""What allows them."""
OTHERS = 30
"""Prompts that wait behind the one that meets the fault: enough for it to be tried as often as it may."""
AWAY = re.compile(r"is (unreachable|missing|troubled)\b.*: ")  # and why

DEEDS = {
    "prompt given back": "gave it back",
    "outcome=retried": "put it back",
    "model not ready": "held the line back",
    "download finished": "downloaded the model",
    "model unloaded": "unloaded the model",
    "outcome=succeeded": "ended it as succeeded",
    "outcome=failed": "ended it as failed",
}
"""Words of the worker's log, in the order in which its threads may write them, and what they say that it did."""


@dataclass(frozen=True, kw_only=True)
class Met:
    """What became of a prompt that met a fault, in the words of the page."""

    client: str
    worker: str
    calls: int
    failures: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of two of them: one that was alone, and one with others behind it."""

    fault: str
    alone: Met
    beside: Met | None  # None where others do not come into it

    def __str__(self) -> str:
        alone, beside = self.alone, self.beside
        cells: list[object] = [self.fault, alone.client, alone.worker, alone.calls, alone.failures]
        cells += [beside.client, beside.calls, beside.failures] if beside else [""] * 3
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


@dataclass(frozen=True, kw_only=True)
class Course:
    """How a fault comes, what happens once the prompt was handed in, and how it is mended once it is noticed.

    Where it strikes one prompt alone, which has this in it, it is not mended: the others are answered all the while.
    """

    comes: Callable[[Ordeal, str], None]
    goes_on: Callable[[Ordeal], None] = lambda _: None
    is_mended: Callable[[Ordeal], None] = lambda _: None
    strikes_one: bool = False
    asks: Mapping[str, object] | None = None


class Ordeal:
    """A product that is made to suffer, prompt by prompt, with the simulator in Ollama's place."""

    def __init__(self, stack: Stack, simulator: Simulator, journal: Path) -> None:
        self.stack = stack
        self.simulator = simulator
        self._journal = journal

    def row(self, fault: str) -> Row:
        """Let a prompt meet this fault alone, and another with others behind it."""
        course = COURSES[fault]
        beside = None if fault in WELL else self._beside(f"{fault}, beside others", course)
        return Row(fault=fault, alone=self._alone(fault, course), beside=beside)

    def row_of_nowhere(self, fault: str) -> Row:
        """Hand a prompt in where the worker's Ollama has a name that nobody knows."""
        prompt_id = self.stack.submit(fault)
        met = self._met(fault, prompt_id, f"{self._meanwhile(prompt_id)}, until the name is known", 0)
        return Row(fault=fault, alone=met, beside=None)

    def model(self) -> dict[str, object]:
        """What /readyz says of the model."""
        return dict(self.stack.get("/readyz").json["checks"]["model"])

    def _alone(self, fault: str, course: Course) -> Met:
        """Let one prompt meet it; the next one must be answered as if nothing had been."""
        said = self._begin()
        course.comes(self, fault)
        prompt_id = self.stack.submit(fault, **course.asks or {})
        course.goes_on(self)
        meanwhile = self._meanwhile(prompt_id)
        course.is_mended(self)
        end = told(self.stack.result(prompt_id))
        self._end()
        return self._met(fault, prompt_id, f"{meanwhile}; then {end}" if meanwhile else end, said)

    def _beside(self, prompt: str, course: Course) -> Met:
        """Let one prompt meet it that is the first in a line; all others must be answered at their first attempt."""
        said = self._begin()
        course.comes(self, prompt)
        prompt_id = self.stack.submit(prompt, **course.asks or {})
        others = [self.stack.submit(f"Other {number}") for number in range(OTHERS)]
        course.goes_on(self)
        if not course.strikes_one:
            self._meanwhile(prompt_id)
            course.is_mended(self)
        end = told(self.stack.result(prompt_id))
        assert {self.stack.answer(each) for each in others} == {WORDS}
        assert {self.stack.status(each)["attempt"] for each in others} == {1}
        self._end()
        return self._met(prompt, prompt_id, end, said)

    def _begin(self) -> int:
        """Have all well, and a prompt answered: the length of the worker's log by then."""
        until(lambda: self.model()["ok"], "the model is ready")
        assert self.stack.answer(self.stack.submit("Before")) == WORDS
        return len(self.stack.log("worker"))

    def _end(self) -> None:
        self.simulator.clear_faults()
        following = self.stack.submit("After")
        assert (self.stack.answer(following), self.stack.status(following)["attempt"]) == (WORDS, 1)

    def _meanwhile(self, prompt_id: str) -> str:
        """Wait until the prompt has ended, or waits for a model that is away; what its client is told meanwhile."""

        def seen() -> tuple[str, dict[str, object]] | None:
            model, status = self.model(), str(self.stack.status(prompt_id)["status"])
            is_away = AWAY.search(str(model["detail"])) and "no worker" not in str(model["detail"])
            is_waiting = is_away and status == "queued"
            return (status, model) if is_waiting or status == "completed" else None

        status, model = until(seen, f"{prompt_id} waits or has ended", 60)
        if status == "completed":
            return ""
        # Why a name is not known is told in the words of this machine's system, in brackets.
        words = re.sub(r"(Failed to resolve '[^']*') \([^)]*\)", r"\1", str(model["detail"]).partition("; trying")[0])
        return f"`{status}`, and `/readyz` says “{words}”"

    def _met(self, prompt: str, prompt_id: str, client: str, said: int) -> Met:
        return Met(
            client=client,
            worker=done(self.stack.log("worker")[said:], prompt_id),
            calls=self._calls(prompt),
            failures=self._failures(prompt_id),
        )

    def _calls(self, prompt: str) -> int:
        """How many calls came for this prompt; the journal knows them whatever became of the simulator."""
        calls = map(json.loads, self._journal.read_text().splitlines())
        return len({call["received"] for call in calls if call["body"]["prompt"] == prompt})

    def _failures(self, prompt_id: str) -> int:
        with closing(connect(f"sqlite:///{self.stack.folder}/data/queue.db").open()) as queue:
            return queue.get(prompt_id).failures


@contextmanager
def ordeal(folder: Path, variables: Mapping[str, str] | None = None) -> Iterator[Ordeal]:
    """A whole product in `folder` and a simulator, with short deadlines; `variables` besides."""
    journal = folder / "calls.jsonl"
    with Simulator(text=WORDS, pace=0.01, journal=journal) as simulator:
        stack = Stack(folder / "stack", simulator, {**SETTINGS, **IMPATIENT, **(variables or {})})
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


def _told(fault: Mapping[str, object], **more: object) -> Course:
    """It strikes this one prompt, as often as it says."""
    return Course(
        comes=lambda ordeal, prompt: ordeal.simulator.fault(**{**fault, "match": prompt}),
        is_mended=lambda ordeal: ordeal.simulator.clear_faults(),
        **{"strikes_one": True, **more},  # type: ignore[arg-type]  # of one type each, and not of the same
    )


def _passes(fault: Mapping[str, object]) -> Course:
    return Course(comes=lambda ordeal, _: ordeal.simulator.fault(**fault))


def _crashes(fault: Mapping[str, object]) -> Course:
    return Course(comes=lambda ordeal, _: ordeal.simulator.fault(**fault), is_mended=lambda ordeal: _start(ordeal))


def _sets(well: Mapping[str, object], ill: Mapping[str, object]) -> Course:
    return Course(
        comes=lambda ordeal, _: ordeal.simulator.set(**ill), is_mended=lambda ordeal: ordeal.simulator.set(**well)
    )


def _hang(ordeal: Ordeal, _: str) -> None:
    ordeal.simulator.reset()  # it counts calls from 1 again
    ordeal.simulator.fault("hang_between_tokens")


def _end(ordeal: Ordeal) -> None:
    ordeal.simulator.wait_for_tokens(1, 3)
    ordeal.simulator.stop()


def _start(ordeal: Ordeal) -> None:
    ordeal.simulator.start()


def _stand_still(ordeal: Ordeal, _: str) -> None:
    ordeal.simulator.signal(signal.SIGSTOP)
    until(lambda: not ordeal.model()["ok"], "it is noticed", 40)


def _stir(ordeal: Ordeal) -> None:
    ordeal.simulator.signal(signal.SIGCONT)


TOO_LARGE = "413 of a gateway, which lets others through"
LOAD_ERROR = "llama-server process has terminated: signal: killed"
SHAPED = {"asks": {"format": "json"}}

COURSES = {
    **{name: _told(fault) for several in (FAILING, TURNING_AWAY, WELL) for name, fault in several.items()},
    **{
        name: _told(fault, **(SHAPED if "format" in name or "schema" in name else {}))
        for name, fault in REFUSING.items()
    },
    **{name: _passes(fault) for name, fault in PASSING.items()},
    **{name: _crashes(fault) for name, fault in CRASHING.items()},
    TOO_LARGE: _told({"kind": "status", "status": 413, "text": "", "times": None}),
    "the server is restarted in mid-answer": Course(comes=_hang, goes_on=_end, is_mended=_start),
    "the server is stopped and goes on": Course(comes=_stand_still, is_mended=_stir),
    "a model that cannot be loaded": _sets({"load_error": ""}, {"load_error": LOAD_ERROR}),
    "a gateway's 502 to everything": _sets({"gateway_status": 0}, {"gateway_status": 502}),
    "a redirect of everything": _sets({"gateway_status": 0}, {"gateway_status": 301}),
}
