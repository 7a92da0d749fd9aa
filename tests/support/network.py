"""Machines of a network: namespaces of this one's kernel, each with a cable to a bridge that it can be pulled out of.

What is cut off so is cut off in silence: nothing tells either side.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from support.machine import needed, unable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NETWORK = "198.18"  # set apart for tests of networks (RFC 2544)
NAME = {
    "netns": re.compile(r"^queue-(?P<process>\d+)-\d+", re.MULTILINE),
    "link": re.compile(r"^qt(?P<process>\d+)", re.MULTILINE),
}
"""What belongs to a test, and to which process; its machines' cables go with them."""


class Host:
    """One machine."""

    def __init__(self, network: Network, number: int) -> None:
        self.name = f"queue-{os.getpid()}-{number}"
        self.address = network.address_of(10 + number)
        self.inside = ("ip", "netns", "exec", self.name)
        """The words before a command that is to run on it."""
        self._cable = f"{network.bridge}-{number}"
        _ip("netns", "add", self.name)
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _ip("link", "set", self._cable, "master", network.bridge, "up")
        _ip("-n", self.name, "address", "add", f"{self.address}/24", "dev", "eth0")
        for interface in ("lo", "eth0"):
            _ip("-n", self.name, "link", "set", interface, "up")

    def unplug(self) -> None:
        """Pull its cable: what it sends gets nowhere, and it hears nothing."""
        _ip("link", "set", self._cable, "down")

    def plug_in(self) -> None:
        _ip("link", "set", self._cable, "up")


class Network:
    """This machine has its first address."""

    def __init__(self) -> None:
        self.bridge = f"qt{os.getpid()}"
        self._part = os.getpid() % 256
        self._hosts: list[Host] = []
        self.address = self.address_of(1)
        _ip("link", "add", self.bridge, "type", "bridge")
        _ip("address", "add", f"{self.address}/24", "dev", self.bridge)
        _ip("link", "set", self.bridge, "up")

    def address_of(self, number: int) -> str:
        return f"{NETWORK}.{self._part}.{number}"

    def host(self) -> Host:
        """Add a machine."""
        self._hosts.append(Host(self, len(self._hosts) + 1))
        return self._hosts[-1]


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """A network without machines; it goes with all that were added. What was left by a run that was killed goes too."""
    needed("ip", package="iproute2")
    _sweep(lambda process: not Path(f"/proc/{process}").exists())
    try:
        yield Network()
    except subprocess.CalledProcessError as error:
        if "Operation not permitted" in error.stderr:
            unable(f"no network of one's own, for which one must be root: {error.stderr.strip()}")
        raise
    finally:
        _sweep(lambda process: process == os.getpid())


def _sweep(is_to_go: Callable[[int], bool]) -> None:
    """Remove the bridge and the machines of those processes."""
    for kind, listed in (("netns", _ip("netns", "list")), ("link", _ip("-brief", "link", "show", "type", "bridge"))):
        for found in NAME[kind].finditer(listed):
            if is_to_go(int(found["process"])):
                _ip(kind, "delete", found[0])


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout
