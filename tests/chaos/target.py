"""The product under a campaign, whatever it runs on: what can be struck of it, and what it leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from chaos.plan import LEASE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from signal import Signals

    from support.wall_clock import WallClock

    from chaos.database import Contents
    from chaos.plan import Blow, Part

VARIABLES = {
    "LEASE_SECONDS": f"{LEASE:g}",
    "IDLE_TIMEOUT": "3",
    "FIRST_BYTE_TIMEOUT": "30",
    "DRAIN_SECONDS": "1",
    "WORKER_CONCURRENCY": "2",
    "MAX_FAILURES": "3",
}
"""Quick deadlines, so that much happens in little time."""

FIRST_BYTES, BYTES_A_SECOND = 4_000_000, 60_000
"""Room for what the clients themselves store, and some that is filled now and then."""


def room_for(seconds: float) -> int:
    """Give how many bytes may be stored in a campaign of so many seconds: `MAX_STORED_BYTES`."""
    return FIRST_BYTES + round(BYTES_A_SECOND * seconds)


SIMULATOR: Mapping[str, Any] = {
    "pace": 0.025,  # seconds a token; answers take up to three, so that a stopped worker finds its prompt with another
    "slots": 4,
}


class Victim(Protocol):
    """What a blow meets."""

    def signal(self, number: Signals) -> None:
        """Send it a signal; harmless when it has ended."""


class Server(Protocol):
    """The simulator, or PostgreSQL. It stays away until it is started."""

    @property
    def is_alive(self) -> bool:
        """Whether it runs or is stopped."""

    def signal(self, number: int) -> None:
        """Send it SIGSTOP or SIGCONT."""

    def kill(self) -> None:
        """End it with SIGKILL."""

    def stop(self) -> None:
        """End it with SIGTERM."""

    def start(self) -> object:
        """Start it again.

        Raises:
            NotRunning: it ended instead.
        """


class Cable(Protocol):
    """A container's way to PostgreSQL."""

    def cut(self) -> int:
        """Reset its connections, and let none be made until it is mended; how many there were."""

    def hush(self) -> int:
        """Let nothing through until it is mended, without a word; how many connections wait."""

    def mend(self) -> None:
        """Be whole again."""


class Postgres(Server, Protocol):
    """The server that keeps the queue, and the ways to it."""

    @property
    def cables(self) -> Sequence[Cable]:
        """One for each container."""

    def end_sessions(self) -> int:
        """Have the server end every session of the product; how many there were."""


@dataclass(frozen=True, kw_only=True)
class Remains:
    """What the product leaves when it has ended."""

    stored: Contents
    journal: Path  # the simulator's
    worker_logs: Sequence[str]


class Target(Protocol):
    """Proxies, two workers and a model server. What ends is started again, but for the model server and PostgreSQL."""

    @property
    def ports(self) -> Sequence[int]:
        """The proxies'."""

    @property
    def ollama(self) -> Server:
        """The model server."""

    @property
    def postgres(self) -> Postgres | None:
        """What keeps the queue, where that is no file."""

    @property
    def clock(self) -> WallClock | None:
        """Its wall clock, where that can be stepped."""

    @property
    def slowness(self) -> float:
        """How many times as long as processes its parts take to be back."""

    @property
    def room(self) -> int:
        """How many bytes it may store."""

    @property
    def restarts(self) -> str:
        """What was started again, in words."""

    def start(self) -> None:
        """Start everything and keep it running; it may be away a while until it is ready."""

    def victims(self, part: Part, blow: Blow) -> Sequence[Victim]:
        """Whom this blow meets; nobody while the part is away."""

    def copy(self, folder: Path) -> float:
        """Copy the files of the database into `folder` while nobody writes; the moment of which they are."""

    def python_beside_the_database(self) -> list[str]:
        """The command that runs the program on its standard input, with the database's path or URL as its argument."""

    def end(self) -> Remains:
        """Start nothing any more and end all of it, in good order, or at once when it does not come."""
