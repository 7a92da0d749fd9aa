"""The slots that this worker holds: of each server as many as it answers at a time, unless other workers have them."""

import logging
import socket
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from promptqueue.errors import StorageUnavailable
from promptqueue.logs import Once
from promptqueue.storage import Presence

from worker.drain import Drain
from worker.ollama.remedy import OF_CONTAINERS, is_own
from worker.server.server import Server

BOOT = Path("/proc/sys/kernel/random/boot_id")  # the same for all containers of a machine, and for no other machine
NETWORK = Path("/proc/self/ns/net")  # where 127.0.0.1 is the same

log = logging.getLogger(__name__)


class Slots:
    """Takes them, sees which got lost, and gives them back at the end. For the thread alone that has the presence."""

    def __init__(self, presence: Presence, servers: Sequence[Server], *, drain: Drain) -> None:
        """Hold none yet."""
        self._presence = presence
        self._servers = servers
        self._names = {server.name: everywhere(server.name) for server in servers}
        self._drain = drain
        self._trouble = Once(log)

    def keep(self) -> None:
        """Have of each server as many as there are and nobody else has; once the worker is to end, those in use.

        None while nobody can see this worker, or those that stand by would take what it uses.
        """
        is_seen = False
        try:
            self._presence.stay()
            is_seen = True
            for server in self._servers:
                self._give_back(server) if self._drain.has_begun else self._take(server)
        except StorageUnavailable as unavailable:
            self._trouble.warn("slots not taken reason=%r", str(unavailable))
        else:
            self._trouble.well()
        for server in self._servers:
            held = len(self._numbers(server)) if is_seen else 0
            if server.gate.admits != held:
                log.info("slots held ollama=%s slots=%d of=%d", server.name, held, server.slots)
                server.gate.admit(held)

    def _take(self, server: Server) -> None:
        while len(self._numbers(server)) < server.slots:
            if self._presence.take_slot(self._names[server.name], below=server.slots) is None:
                break  # this worker stands by

    def _give_back(self, server: Server) -> None:
        for number in sorted(self._numbers(server))[server.gate.admitted :]:
            self._presence.give_slot_back(self._names[server.name], number)

    def _numbers(self, server: Server) -> set[int]:
        return {number for name, number in self._presence.slots() if name == self._names[server.name]}


def everywhere(address: str) -> str:
    """Name a server so that workers of all machines mean the same one by it.

    What each machine has of its own by this address, such as the one that listens on 127.0.0.1, is named with the
    machine: else two machines would share the slots of one.
    """
    host = urlsplit(address).hostname or ""
    if not is_own(host) and host not in OF_CONTAINERS:
        return address
    machine = BOOT.read_text().strip() if BOOT.exists() else socket.gethostname()
    network = f" {NETWORK.stat().st_ino}" if is_own(host) and NETWORK.exists() else ""
    return f"{address} {machine}{network}"
