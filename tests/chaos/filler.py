"""The filler: a client who takes all the room there is, with prompts that nobody waits for, and then gives it back."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.front_door import FrontDoor

from chaos.history import now

if TYPE_CHECKING:
    from chaos.owners import Cast

LENGTHS = (500_000, 50_000, 4_000)
"""Bytes of its texts, the next of them when one of the last was refused: in the end there is no room for anybody."""
PAUSE = 0.3  # seconds before asking again
FILLED_WITHIN = 30.0  # seconds from the end of all strikes; on a busy machine it may never be full
GIVEN_BACK_WITHIN = 120.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Filling:
    """One filling, from its first submission to its last deletion."""

    begun: float
    ended: float
    accepted: int
    full_at: float | None  # when one was refused for want of room
    overran: bool = False  # more was accepted than there is room for
    lost: int = 0  # accepted, and unknown when it was to be deleted


class Filler:
    """Does one filling after the other, in a thread of its own."""

    def __init__(self, port: int, room: int, cast: Cast) -> None:
        """Use the product at this port, in which so many bytes may be stored; with its steward's key."""
        self._url = f"http://127.0.0.1:{port}"
        self._cast = cast
        self._room = room
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._hurry = threading.Event()
        self._late_at = float("inf")
        self.fillings: list[Filling] = []

    def fill(self, *, for_seconds: float) -> None:
        """Begin to fill the room, and give it back so long after it was full. Nothing while another filling lasts."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, args=(for_seconds,), name="filler", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Come to the end of a filling that lasts, without letting the room be full for long."""
        self._late_at = now() + FILLED_WITHIN
        self._hurry.set()
        if self._thread:
            self._thread.join(GIVEN_BACK_WITHIN)
            assert not self._thread.is_alive(), "the room was not given back in time"
        if self._error:
            raise self._error

    @property
    def _front(self) -> FrontDoor:
        return FrontDoor(self._url, headers=self._cast.steward.headers)

    def _run(self, seconds: float) -> None:
        begun, taken, stored, left = now(), list[str](), 0, list(LENGTHS)
        try:
            while left and stored <= self._room and now() < self._late_at:
                if prompt_id := self._take(left[0]):
                    taken.append(prompt_id)
                    stored += left[0]
                else:
                    left.pop(0)
            full_at = None if left else now()
            self._hurry.wait(seconds)
            lost = sum(not self._give_back(prompt_id) for prompt_id in taken)
        except BaseException as error:  # noqa: BLE001 (raised again where the campaign waits)
            self._error = error
            return
        self.fillings.append(
            Filling(
                begun=begun,
                ended=now(),
                accepted=len(taken),
                full_at=full_at,
                overran=stored > self._room,
                lost=lost,
            )
        )

    def _take(self, length: int) -> str | None:
        """Have a long prompt accepted and cancel it, so that nobody waits for it; None when there is no room."""
        body, key = {"prompt": "x" * length, "priority": "batch"}, {"Idempotency-Key": f"filler-{uuid.uuid4()}"}
        while True:
            reply = self._front.post("/api/v1/prompt", body, **key)
            if reply.status == 503 and reply.json["error"]["code"] == "storage_full":
                return None
            if reply.status == 202:
                break
            time.sleep(PAUSE)
        prompt_id = str(reply.json["id"])
        while self._front.post(f"/api/v1/prompt/{prompt_id}/cancel").status != 200:
            time.sleep(PAUSE)
        return prompt_id

    def _give_back(self, prompt_id: str) -> bool:
        """Delete a prompt; whether it was there. That of a deletion whose answer got lost nobody can tell."""
        answers = []
        while not answers or answers[-1] not in (204, 404):
            answers.append(self._front.delete(f"/api/v1/prompt/{prompt_id}").status)
            if answers[-1] not in (204, 404):
                time.sleep(PAUSE)
        return answers != [404]
