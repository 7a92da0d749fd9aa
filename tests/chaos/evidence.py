"""All that a campaign left behind, for the checker: what clients saw, what is stored, what the simulator did."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from chaos.database import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set
    from pathlib import Path

    from chaos.database import Contents
    from chaos.filler import Filling
    from chaos.history import Seen
    from chaos.official import Question
    from chaos.onlooker import Tries
    from chaos.owners import Revocation
    from chaos.prying import Listed, Pried
    from chaos.script import Script
    from chaos.striker import Struck

FINISHED = re.compile(r"prompt finished id=(\S+) attempt=(\d+) outcome=(\w+)")


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call as the simulator saw it. One that was cut off by the simulator's own end has no `ended`."""

    text: str
    received: float
    ended: float | None
    end: str | None
    created_at: str | None  # of the answer's last record; None when none was sent


@dataclass(frozen=True, kw_only=True)
class Finish:
    """What a worker said in its log of an attempt that it had ended."""

    prompt_id: str
    attempt: int
    outcome: str  # or "retried"


@dataclass(frozen=True, kw_only=True)
class Life:
    """What was seen of a prompt between two of its beginnings: it is accepted or retried, and ends once."""

    script: str
    seen: Sequence[Seen]
    is_last: bool


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything, after the last process has ended."""

    history: Sequence[Seen]
    scripts: Mapping[str, Script]
    stored: Contents
    looks: Sequence[Sequence[Tries]]
    calls: Sequence[Call]
    finishes: Sequence[Finish]
    struck: Sequence[Struck]
    fillings: Sequence[Filling]
    questions: Sequence[Question]  # of the makers' own clients
    max_failures: int
    revocations: Sequence[Revocation] = ()
    pried: Sequence[Pried] = ()
    listed: Sequence[Listed] = ()

    @cached_property
    def by_script(self) -> Mapping[str, Sequence[Seen]]:
        """The history of each script's prompt, in the order in which the answers came."""
        found: dict[str, list[Seen]] = defaultdict(list)
        for seen in self.history:
            found[seen.script].append(seen)
        return found

    @cached_property
    def lives(self) -> Sequence[Life]:
        """The same once more, parted where a prompt was retried.

        Its client does one thing after the other and is told nothing else until its retry is answered, so that there is
        a life before the first retry and one from the last on.
        """
        found = []
        for script, seen in self.by_script.items():
            retries = [each for each in seen if each.what == "retry"]
            if not retries:
                found.append(Life(script=script, seen=seen, is_last=True))
                continue
            before = [each for each in seen if each.ended <= retries[0].begun]
            after = [each for each in seen if each.ended > retries[-1].begun]
            found += [Life(script=script, seen=before, is_last=False), Life(script=script, seen=after, is_last=True)]
        return found

    @cached_property
    def retried(self) -> Set[str]:
        """The scripts whose prompt may have been retried."""
        return {seen.script for seen in self.history if seen.what == "retry"}

    @cached_property
    def scripts_by_id(self) -> Mapping[str, Script]:
        """The script of each stored prompt, by the prompt's text."""
        by_text = {script.text: script for script in self.scripts.values()}
        return {prompt_id: by_text[text] for prompt_id, text in self.stored.texts.items() if text in by_text}

    def name_of(self, prompt_id: str) -> str:
        """Give the name of a stored prompt's script; its id where it has none."""
        script = self.scripts_by_id.get(prompt_id)
        return script.name if script else prompt_id

    def row_of(self, seen: Sequence[Seen]) -> dict[str, Any] | None:
        """Give what is stored of the prompt that these answers are about."""
        prompt_id = next((each.prompt_id for each in seen if each.prompt_id), None)
        return self.stored.prompts.get(prompt_id or "")


def calls(journal: Path) -> list[Call]:
    """Read the simulator's journal. Numbers begin again with each of its lives, moments do not."""
    last: dict[tuple[int, float], dict[str, Any]] = {}
    for line in journal.read_text().splitlines():
        turn = json.loads(line)
        last[turn["id"], turn["received"]] = turn
    return [
        Call(
            text=text_of(turn["body"]),
            received=turn["received"],
            ended=turn["ended"],
            end=turn["end"],
            created_at=turn["created_at"],
        )
        for turn in last.values()
    ]


def finishes(*logs: str) -> list[Finish]:
    """Read the workers' logs."""
    return [
        Finish(prompt_id=match[1], attempt=int(match[2]), outcome=match[3])
        for log in logs
        for match in FINISHED.finditer(log)
    ]
