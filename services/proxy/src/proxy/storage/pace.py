"""Pace: how fast the model servers answer that can, all of them together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from promptqueue.condition import DEFAULT_MODEL, Model, ModelState, Server

from proxy.storage.overview import Overview

LEAST = 0.001  # seconds that an answer counts as, however soon it was there


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """What is to be expected, by what was seen last."""

    seconds: float  # that an answer takes, on whichever server
    between: float  # seconds from one answer to the next, while all slots are busy
    idle: int  # slots that have nothing to do
    servers: Mapping[str, float]  # seconds that an answer takes on each, by its address; 0 where none can come

    def on(self, address: str | None) -> float:
        """Say how many seconds an answer takes on this server; 0 where none can come."""
        return self.seconds if address is None else self.servers.get(address, self.seconds)


def pace_of(now: Overview) -> Pace | None:
    """Work it out; None while no answer can come, and before the first one came.

    A server none of whose own answers is known counts as one that takes as long as the last of all did on average.
    """
    counts, servers = now.counts, _servers(now)
    able = [server for server in servers if server.model.state is ModelState.READY and server.slots]
    if counts.seconds_per_prompt is None or counts.paused or not able:
        return None
    usual = max(LEAST, counts.seconds_per_prompt)
    own = {each.address: max(LEAST, each.seconds_per_prompt or usual) for each in able}
    away = sum(server.busy for server in servers if server.address not in own)
    return Pace(
        seconds=usual,
        between=1 / sum(server.slots / own[server.address] for server in able),
        idle=max(0, sum(server.slots for server in able) - (counts.processing - away)),
        servers={server.address: own.get(server.address, 0) for server in servers},
    )


def _servers(now: Overview) -> Sequence[Server]:
    """Give those that workers have told of; before any did, one with the slots of all, which is believed to be well."""
    if now.reported:
        return now.servers
    unknown = Model(name=DEFAULT_MODEL, state=ModelState.READY)
    return [Server(address="", model=unknown, slots=now.workers.slots)]
