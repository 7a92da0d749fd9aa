"""What clients saw: every answer, in memory for the checker and line by line in a file for people."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One answer to one request of a client. Moments are monotonic seconds."""

    begun: float
    ended: float
    what: (
        str  # submit, status, result, cancel, retry, deleting (it is sent), delete (it is answered), event or streamed
    )
    script: str  # which client's which prompt
    prompt_id: str | None
    status: int  # HTTP's; 0 when nobody answered
    body: Any
    owner: str = ""  # who asked, where there are owners
    key: str = ""  # by the key of this name

    @property
    def standing(self) -> dict[str, Any] | None:
        """Where the prompt stood, if this tells."""
        tells = self.status == 200 or (self.what == "result" and self.status in (202, 410))
        return self.body if tells and isinstance(self.body, dict) and "attempt" in self.body else None

    @property
    def code(self) -> str | None:
        """The code of a refusal."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return error.get("code") if isinstance(error, dict) else None


class History:
    """Grows only; any number of threads add to it."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("w")
        self._lock = threading.Lock()
        self._seen: list[Seen] = []

    def add(self, seen: Seen) -> None:
        line = json.dumps(asdict(seen), ensure_ascii=False)
        with self._lock:
            self._seen.append(seen)
            self._file.write(line + "\n")

    def everything(self) -> list[Seen]:
        """All of it so far, in the order in which the answers came."""
        with self._lock:
            return list(self._seen)

    def close(self) -> None:
        with self._lock:
            self._file.close()


def now() -> float:
    """The clock of every moment here, which is also the simulator's."""
    return time.monotonic()
