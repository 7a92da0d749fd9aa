"""The striker: carries the plan out, and keeps a record of what it did to whom."""

from __future__ import annotations

import heapq
import json
import random
import signal
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import count
from typing import TYPE_CHECKING

from simulator.client import NotRunning

from chaos.history import now
from chaos.plan import Blow, Part, Strike

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from chaos.copies import Copies
    from chaos.filler import Filler
    from chaos.target import Postgres, Server, Target

AGAIN_AFTER = 0.5  # seconds
SPARED = 2.0  # seconds for which PostgreSQL is let alone once it is back
NUMBERS = {Blow.KILL: signal.SIGKILL, Blow.TERM: signal.SIGTERM, Blow.STOP: signal.SIGSTOP}


@dataclass(frozen=True, kw_only=True)
class Struck:
    """A strike that was carried out, from its moment to the end of its effect; `hit` is how many it met."""

    begun: float
    ended: float
    part: Part
    blow: Blow
    hit: int

    @property
    def may_cost_an_attempt(self) -> bool:
        """Whether whoever had a prompt in hand may have been unable to end it in its time."""
        if self.part is Part.SERVER:
            return self.blow is Blow.STOP  # it takes the time for gone; one that starts anew gives everybody time
        return self.blow.is_kill or self.blow is Blow.HUSH


class Striker:
    """One thread that does one thing after the other, each at its moment."""

    def __init__(self, product: Target, copies: Copies, filler: Filler, record: Path) -> None:
        self._product = product
        self._filler = filler
        self._ollama = product.ollama
        self._copies = copies
        self._record = record
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()
        self._thread = threading.Thread(target=self._run, name="striker")
        self._error: BaseException | None = None
        self._spared_until = 0.0
        self.struck: list[Struck] = []

    def start(self, plan: list[Strike]) -> None:
        """Begin; moments of the plan are seconds from now."""
        start = now()
        for strike in plan:
            self._do_at(start + strike.at, lambda strike=strike: self._strike(strike))  # type: ignore[misc]
        self._thread.start()

    def wait(self) -> None:
        """Wait until the plan is carried out and what it stopped goes on."""
        self._thread.join()
        if self._error:
            raise self._error

    @property
    def is_at_it(self) -> bool:
        return self._thread.is_alive()

    @property
    def kills(self) -> int:
        """Blows that met a process."""
        return sum(bool(each.hit) for each in self.struck if each.blow.is_kill)

    def _do_at(self, moment: float, do: Callable[[], object]) -> None:
        heapq.heappush(self._due, (moment, next(self._numbers), do))

    def _run(self) -> None:
        pause = threading.Event()
        try:
            while self._due:
                moment, _, do = heapq.heappop(self._due)
                pause.wait(max(0.0, moment - now()))
                do()
        except BaseException as error:  # noqa: BLE001 (raised again where the campaign waits)
            self._error = error

    def _strike(self, strike: Strike) -> None:
        begun = now()
        match strike.part:
            case Part.CLOCK:
                assert self._product.clock
                self._product.clock.set(strike.to)
                hit = 1
            case Part.ROOM:
                self._filler.fill(for_seconds=strike.seconds)
                hit = 1
            case Part.DISK:
                self._copies.take()
                hit = 1
            case Part.OLLAMA:
                hit = self._strike_server(self._ollama, strike)
            case Part.SERVER if now() < self._spared_until:
                hit = 0  # the strike before came late on a busy machine, and nobody would have had time to come back
            case Part.SERVER:
                hit = self._strike_server(self._postgres, strike)
                self._spared_until = now() + strike.seconds + SPARED
            case Part.SESSIONS:
                hit = self._postgres.end_sessions()
            case Part.CABLE:
                hit = self._strike_cable(strike)
            case _:
                hit = self._strike_victims(strike)
        self._note(Struck(begun=begun, ended=now() + strike.seconds, part=strike.part, blow=strike.blow, hit=hit))

    @property
    def _postgres(self) -> Postgres:
        assert self._product.postgres
        return self._product.postgres

    def _strike_server(self, server: Server, strike: Strike) -> int:
        if not server.is_alive:  # the strike before came late, and its end is still to come
            return 0
        back_at = now() + strike.seconds
        self._let_go_on(server)  # should it stand still: it could not end
        match strike.blow:
            case Blow.STOP:
                server.signal(signal.SIGSTOP)
                self._do_at(back_at, lambda: self._let_go_on(server))
            case Blow.KILL:
                server.kill()
                self._do_at(back_at, lambda: self._start(server))
            case _:
                server.stop()
                self._do_at(back_at, lambda: self._start(server))
        return 1

    def _let_go_on(self, server: Server) -> None:
        with suppress(NotRunning):  # on a busy machine the next strike may have come first
            server.signal(signal.SIGCONT)

    def _start(self, server: Server) -> None:
        try:
            server.start()
        except NotRunning:  # its port is not free yet
            self._do_at(now() + AGAIN_AFTER, lambda: self._start(server))

    def _strike_cable(self, strike: Strike) -> int:
        cable = random.choice(self._postgres.cables)
        hit = cable.cut() if strike.blow is Blow.CUT else cable.hush()
        self._do_at(now() + strike.seconds, cable.mend)
        return hit

    def _strike_victims(self, strike: Strike) -> int:
        victims = self._product.victims(strike.part, strike.blow)
        for victim in victims:
            victim.signal(NUMBERS[strike.blow])
        if strike.blow is Blow.STOP:
            for victim in victims:
                self._do_at(now() + strike.seconds, lambda victim=victim: victim.signal(signal.SIGCONT))  # type: ignore[misc]
        return len(victims)

    def _note(self, struck: Struck) -> None:
        self.struck.append(struck)
        with self._record.open("a") as record:
            record.write(json.dumps(asdict(struck)) + "\n")
