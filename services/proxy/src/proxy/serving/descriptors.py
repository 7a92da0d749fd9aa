"""File descriptors: how many the system grants this process, and how many connections and streams they allow."""

import resource
from contextlib import suppress
from dataclasses import dataclass

WANTED = 65_536
MOST_CONNECTIONS = 10_000
OWN = 128  # the process's own: some thirty at rest, more when many read the database at once
SPARE = 256  # connections, or an eighth of few, that streams may not take: short requests need them


@dataclass(frozen=True, kw_only=True)
class Caps:
    """How many connections and streams there may be."""

    granted: int
    connections: int
    streams: int

    def lowered(self, max_streams: int) -> str | None:
        """Give the log's line if that is less than was asked for."""
        if self.streams == max_streams and self.connections == MOST_CONNECTIONS:
            return None
        counts = f"descriptors={self.granted} connections={self.connections} max_streams={self.streams}"
        return f"connections limited {counts}"


def raised() -> int:
    """Ask for as many as are wanted, and say how many are granted.

    Each connection is an open file. Many systems grant few at first, more on request; macOS less than it says.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return WANTED if soft == resource.RLIM_INFINITY else soft


def caps(max_streams: int) -> Caps:
    """Say how many connections there may be, and how many of them may be streams and held requests."""
    granted = raised()
    connections = max(2, min(MOST_CONNECTIONS, granted - OWN))
    streams = min(max_streams, connections - min(SPARE, max(1, connections // 8)))
    return Caps(granted=granted, connections=connections, streams=streams)
