"""An answer that is cut off: at each point of its life, by whatever can cut it. Its client has all of it, or knows."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from support.waiting import until

from compatibility.trial import IMPATIENT, TOKENS, WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from compatibility.clients import Client
    from compatibility.runtime import End, Runtimes, Talk
    from compatibility.trial import Trial

MOST_BEATS = {"PATIENCE": "0.3", "WHOLE_PATIENCE": "0.5"}
"""Seconds until a client that waits is sent something, where the defaults would take minutes."""
SHORT = {**IMPATIENT, "UPSTREAM_PATIENCE": "0", "MAX_FAILURES": "1"}

LONGEST = 300.0  # seconds; some clients ask three times, and each time is as hopeless

_numbers = itertools.count(1)


# ---- points ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Point:
    """How far the answers are when something happens."""

    fault: Mapping[str, object] | None
    reached: Callable[[Trial, Sequence[Talk], Sequence[str]], None]
    needs: Mapping[str, str] = field(default_factory=dict)
    is_in_line: bool = False


def _in_line(trial: Trial, _talks: Sequence[Talk], texts: Sequence[str]) -> None:
    for text in texts:
        trial.until_accepted(text)


def _in_work(trial: Trial, _talks: Sequence[Talk], texts: Sequence[str]) -> None:
    trial.until_in_work(*texts)


def _after_beats(trial: Trial, _talks: Sequence[Talk], texts: Sequence[str]) -> None:
    trial.until_in_work(*texts)
    began = time.monotonic()
    # Whoever asked before has had as long; no client shows its beats.
    until(lambda: time.monotonic() - began > 5 * float(MOST_BEATS["WHOLE_PATIENCE"]), "everybody had beats")


def _with_text(trial: Trial, talks: Sequence[Talk], texts: Sequence[str]) -> None:
    trial.until_in_work(*texts)
    for talk in talks:
        if talk.case["stream"]:
            talk.until_text()


def _with_all_text(trial: Trial, talks: Sequence[Talk], texts: Sequence[str]) -> None:
    trial.until_in_work(*texts)
    for talk in talks:
        if talk.case["stream"]:
            until(lambda talk=talk: "".join(talk.pieces).rstrip() == WORDS, f"{talk.client} has all text")  # type: ignore[misc]


def _answered(trial: Trial, _talks: Sequence[Talk], texts: Sequence[str]) -> None:
    for text in texts:
        until(lambda text=text: [p for p in trial.prompts(text) if p["outcome"]], f"{text} is answered")  # type: ignore[misc]


SILENT = {"kind": "hang_before_first_token"}
POINTS: dict[str, Point] = {
    "in line": Point(fault=None, reached=_in_line, is_in_line=True),
    "no text yet": Point(fault=SILENT, reached=_in_work),
    "after beats": Point(fault=SILENT, reached=_after_beats, needs=MOST_BEATS),
    "in the text": Point(fault={"kind": "hang_between_tokens", "after": 3}, reached=_with_text),
    "after the last text": Point(fault={"kind": "hang_between_tokens", "after": TOKENS}, reached=_with_all_text),
    "answered": Point(fault=None, reached=_answered),
}


# ---- causes ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What happens."""

    strikes: Callable[[Trial, Sequence[str]], None]
    at: Sequence[str] = tuple(POINTS)
    needs: Mapping[str, str] = field(default_factory=dict)
    stays: bool = False
    """Whether what is tried again fares no better."""
    through_nginx: bool = False
    gives_whole: bool = False
    """Whether an answer of which nothing was sent is given all the same, by every client."""


HANGING = ("no text yet", "after beats", "in the text", "after the last text")
UNFINISHED = ("in line", *HANGING)


def _each(verb: Callable[[Trial, str], object]) -> Callable[[Trial, Sequence[str]], None]:
    def strike(trial: Trial, texts: Sequence[str]) -> None:
        for text in texts:
            for prompt in trial.prompts(text):
                verb(trial, prompt["id"])

    return strike


def _expire(trial: Trial, texts: Sequence[str]) -> None:
    ids = [prompt["id"] for text in texts for prompt in trial.prompts(text)]
    file = trial.stack.folder / "data/queue.db"
    with contextlib.closing(sqlite3.connect(file, timeout=30)) as database, database:
        database.executemany(
            "UPDATE prompts SET expires_at = 1 WHERE id = ? AND status = 'queued'", [(i,) for i in ids]
        )


def _restart(end: Callable[[Trial], None]) -> Callable[[Trial, Sequence[str]], None]:
    def strike(trial: Trial, _texts: Sequence[str]) -> None:
        end(trial)
        trial.start_proxy()
        trial.simulator.reset()  # what it was asked before is answered now, to whoever asks again

    return strike


def _nothing(_trial: Trial, _texts: Sequence[str]) -> None:
    """Time does it."""


CAUSES: dict[str, Cause] = {
    "worker killed": Cause(strikes=lambda trial, _: trial.kill_worker(), gives_whole=True),
    "Ollama killed": Cause(strikes=lambda trial, _: trial.replace_simulator(), gives_whole=True),
    "cancelled": Cause(
        strikes=_each(lambda trial, each: trial.stack.post(f"/api/v1/prompt/{each}/cancel")), at=UNFINISHED
    ),
    "deleted": Cause(strikes=_each(lambda trial, each: trial.stack.delete(f"/api/v1/prompt/{each}")), at=UNFINISHED),
    "expired": Cause(strikes=_expire, at=("in line",)),
    "proxy stopped": Cause(strikes=_restart(lambda trial: trial.stop_proxy())),
    "proxy killed": Cause(strikes=_restart(lambda trial: trial.kill_proxy())),
    "nginx killed": Cause(strikes=lambda trial, _: trial.kill_nginx(), through_nginx=True),
    "time is up": Cause(strikes=_nothing, at=HANGING, stays=True, needs={**SHORT, "PROMPT_TIMEOUT": "8"}),
}
ERRORS: dict[str, Mapping[str, object]] = {
    "runner dies": {"kind": "error_line", "text": "llama-server process no longer running: unknown "},
    "error line": {"kind": "error_line"},
    "Ollama ends early": {"kind": "cut"},
    "Ollama resets": {"kind": "reset"},
    "Ollama stalls": {"kind": "hang_between_tokens"},
}
"""What Ollama itself does in the midst of an answer, once: nothing has to be held for it."""
NEEDED = {"Ollama stalls": {**IMPATIENT, "FIRST_BYTE_TIMEOUT": "5", "IDLE_TIMEOUT": "5"}}
AFTER = {"no text yet": 0, "in the text": 3, "after the last text": TOKENS}

IN_PIECES = 0.1  # seconds between tokens, so that some have arrived when an error comes

STREAM_ALWAYS = frozenset({"langchain-ollama"})
"""Clients that stream, whatever they are asked for."""
SILENT_AT_A_CUT = frozenset({"ollama-go"})
"""Clients that take a connection which breaks for the end. Where the proxy is killed nobody can tell them more."""
KILLED = frozenset({"proxy killed", "nginx killed"})


# ---- meeting --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Met:
    """What one client had in the end."""

    client: Client
    streams: bool
    end: End

    @property
    def cell(self) -> str:
        return self.end.as_cell(WORDS)

    @property
    def is_good(self) -> bool:
        return self.cell == "whole" or self.end.error is not None


def pairs() -> list[tuple[str, str]]:
    """Give every point with everything that can happen there."""
    held = [(point, name) for name, cause in CAUSES.items() for point in POINTS if point in cause.at]
    return held + [(point, name) for name in ERRORS for point in AFTER]


def needs(point: str, cause: str) -> dict[str, str]:
    """Give the settings that the product must have for it."""
    own = CAUSES[cause].needs if cause in CAUSES else NEEDED.get(cause, {})
    return {**POINTS[point].needs, **own}


def meet(
    trial: Trial, runtimes: Runtimes, point: str, cause: str, clients: Sequence[Client], *, whole: bool = True
) -> list[Met]:
    """Let each client be at this point, streaming and not, when this happens."""
    tag = f"Cut number {next(_numbers)} of {id(trial)}"
    talks: list[Talk] = []
    texts: list[str] = []
    at = POINTS[point]
    strikes = CAUSES.get(cause)
    if strikes and at.fault:
        trial.simulator.fault(**{"times": None, "match": tag, **at.fault})  # type: ignore[arg-type]
    trial.simulator.set(pace=0.0 if strikes else IN_PIECES)
    if at.is_in_line:
        trial.stack.operate("pause")
    url = trial.front if strikes and strikes.through_nginx else trial.url
    for client in clients:
        for streams in (True, False) if whole else (True,):
            text = f"{tag}: {client} {'streams' if streams else 'waits'}."
            texts.append(text)
            if not strikes:
                trial.simulator.fault(**{"match": text, **ERRORS[cause], "after": AFTER[point]})  # type: ignore[arg-type]
            talks.append(runtimes.begin(client, url, text, stream=streams, limit=100))
    if strikes and not strikes.stays:
        at.reached(trial, talks, texts)
        trial.simulator.clear_faults()
        strikes.strikes(trial, texts)
    if at.is_in_line:
        trial.stack.operate("resume")
    found = [Met(talk.client, bool(talk.case["stream"]), talk.end(LONGEST)) for talk in talks]
    trial.reset()
    return found


def expected(point: str, cause: str, met: Met) -> bool:
    """Whether that is what a client may have: all of the answer, or an exception; and no exception without need."""
    strikes = CAUSES.get(cause)
    is_mended = strikes.gives_whole if strikes else True
    is_unsent = point in ("in line", "no text yet", "after beats") or not (
        met.streams or met.client.name in STREAM_ALWAYS
    )
    if point == "answered" and cause not in ("proxy stopped", *KILLED):
        return met.cell == "whole"
    if is_mended and is_unsent:
        return met.cell == "whole"
    if met.client.name in SILENT_AT_A_CUT and cause in KILLED:
        return True
    return met.is_good
