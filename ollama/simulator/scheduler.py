"""Loads and slots: which call may use the model, and when. Both lines are first come, first served."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from .bell import Bell
from .clock import timestamp
from .duration import Duration, default_duration
from .errors import Refused
from .models import DIGEST, Model, details
from .settings import Settings
from .wire import Connection

BUSY = "server busy, please try again.  maximum pending requests exceeded"
_BYTES_OF_A_TOKEN = 114_688  # what llama3.2 keeps in memory for each token of its context

Shape = tuple[tuple[str, Any], ...]


class Runner:
    """A loaded model."""

    def __init__(self, model: Model, shape: Shape, keep_alive: Duration) -> None:
        self.model = model
        self.shape = shape
        self.keep_alive = keep_alive
        self.expires = time.time() + keep_alive.seconds
        self.visits: set[Visit] = set()
        self.line: deque[Visit] = deque()
        self.busy = 0

    @property
    def in_use(self) -> bool:
        """Whether a call uses it; one that hangs for good does not count, or unloading could not heal it."""
        return any(not visit.hangs for visit in self.visits)


class Visit:
    """One call's use of a loaded model, from the wish for it to `leave`."""

    def __init__(self, scheduler: "Scheduler", connection: Connection, *, wants_slot: bool) -> None:
        self._scheduler = scheduler
        self.connection = connection
        self.wants_slot = wants_slot
        self.runner: Runner | None = None
        self.has_slot = False
        self.hangs = False
        self.bell: Bell | None = None

    def wait_for_slot(self) -> None:
        """Return when the slot is this call's.

        Raises:
            ClientGone: the client left the line.
        """
        while not self.has_slot:
            bell = self._scheduler.bell_of(self)
            if not self.has_slot:
                self.connection.wait(None, bell)

    def leave(self) -> None:
        """Give slot and model back; harmless when there is none."""
        self._scheduler.leave(self)


class Scheduler:
    """All loaded models and all that wait for one."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._lock = threading.RLock()
        self._runners: dict[str, Runner] = {}
        self._waiting: deque[tuple[Visit, Model, Shape, Duration | None]] = deque()

    def admit(  # noqa: PLR0913 (what is wanted, each by its name)
        self,
        connection: Connection,
        model: Model,
        shape: Shape,
        keep_alive: Duration | None,
        *,
        wants_slot: bool = True,
        load_time: float | None = None,
    ) -> Visit:
        """Return once the model is loaded, by this call if need be. `load_time` forces a load that lasts so long.

        Raises:
            Refused: 503, too many wait for a load.
            ClientGone: the client left; a load that was its own is given up.
        """
        visit = Visit(self, connection, wants_slot=wants_slot)
        with self._lock:
            fitting = None if load_time is not None else self._fitting(model, shape)
            if fitting:
                self._join(visit, fitting, keep_alive)
                return visit
            if len(self._waiting) > self._settings().max_queue:
                raise Refused(503, BUSY, late=True)
            visit.bell = Bell()
            self._waiting.append((visit, model, shape, keep_alive))
        try:
            self._load_when_first(visit, model, shape, keep_alive, load_time)
        except BaseException:
            self.leave(visit)
            raise
        finally:
            self._forget(visit)
        return visit

    def leave(self, visit: Visit) -> None:
        """The visit is over, wherever it stood."""
        with self._lock:
            runner, visit.runner = visit.runner, None
            if runner:
                runner.visits.discard(visit)
                if visit.has_slot:
                    runner.busy -= 1
                    visit.has_slot = False
                elif visit in runner.line:
                    runner.line.remove(visit)
                runner.expires = time.time() + runner.keep_alive.seconds
                self._grant(runner)
                self._sweep()
            if visit.bell:
                visit.bell.close()
                visit.bell = None
            self._ring_waiting()

    def unload(self, model: Model) -> None:
        """Let the model go after its last user; at once when there is none."""
        with self._lock:
            runner = self._runners.get(model.name.key)
            if runner:
                runner.keep_alive, runner.expires = Duration(0.0), time.time()
                self._sweep()
                self._ring_waiting()

    def unload_all(self) -> None:
        """Have nothing loaded; who still uses a model keeps it to the end."""
        with self._lock:
            self._runners.clear()
            self._ring_waiting()

    def regrant(self) -> None:
        """The number of slots has changed."""
        with self._lock:
            for runner in self._runners.values():
                self._grant(runner)

    def bell_of(self, visit: Visit) -> Bell:
        """The visit's bell, which rings when it gets its slot."""
        with self._lock:
            visit.bell = visit.bell or Bell()
            return visit.bell

    def loaded(self) -> dict[str, Any]:
        """The answer of /api/ps."""
        with self._lock:
            self._sweep()
            listed = sorted(self._runners.values(), key=lambda runner: -int(runner.expires))
            return {"models": [self._described(runner) for runner in listed]}

    def _load_when_first(
        self, visit: Visit, model: Model, shape: Shape, keep_alive: Duration | None, load_time: float | None
    ) -> None:
        while visit.runner is None:
            with self._lock:
                may_load = self._waiting[0][0] is visit and self._make_room(model)
            if may_load:
                visit.connection.wait(self._settings().load_time if load_time is None else load_time)
                with self._lock:
                    default = default_duration(self._settings().keep_alive)
                    self._runners[model.name.key] = Runner(model, shape, keep_alive or default)
                    self._welcome(model)
            else:
                visit.connection.wait(None, visit.bell)

    def _welcome(self, model: Model) -> None:
        """Let in all that fit the model that was just loaded, in the order of their arrival."""
        loaded = self._runners[model.name.key]
        for visit, wanted, shape, keep_alive in self._waiting:
            if visit.runner is None and wanted.name.key == model.name.key and shape == loaded.shape:
                self._join(visit, loaded, keep_alive)
                _ring(visit)

    def _join(self, visit: Visit, runner: Runner, keep_alive: Duration | None) -> None:
        visit.runner = runner
        runner.visits.add(visit)
        if keep_alive is not None:
            runner.keep_alive = keep_alive
        if visit.wants_slot:
            runner.line.append(visit)
            self._grant(runner)

    def _grant(self, runner: Runner) -> None:
        while runner.line and runner.busy < max(1, self._settings().slots):
            visit = runner.line.popleft()
            visit.has_slot = True
            runner.busy += 1
            _ring(visit)

    def _fitting(self, model: Model, shape: Shape) -> Runner | None:
        self._sweep()
        runner = self._runners.get(model.name.key)
        return runner if runner and runner.shape == shape and runner.model is model else None

    def _make_room(self, model: Model) -> bool:
        """Remove what is in the way of loading this model; False while that is in use."""
        self._sweep()
        own = self._runners.get(model.name.key)
        if own:
            if own.in_use:
                return False
            del self._runners[model.name.key]
        while len(self._runners) >= max(1, self._settings().max_loaded_models):
            idle = [key for key, runner in self._runners.items() if not runner.in_use]
            if not idle:
                return False
            del self._runners[idle[0]]
        return True

    def _sweep(self) -> None:
        for key, runner in list(self._runners.items()):
            if not runner.in_use and runner.expires <= time.time():
                del self._runners[key]

    def _forget(self, visit: Visit) -> None:
        with self._lock:
            self._waiting = deque(each for each in self._waiting if each[0] is not visit)
            self._ring_waiting()

    def _ring_waiting(self) -> None:
        for visit, *_ in self._waiting:
            _ring(visit)

    def _described(self, runner: Runner) -> dict[str, Any]:
        context = dict(runner.shape)["num_ctx"]
        size = 2_019_393_189 + _BYTES_OF_A_TOKEN * context * max(1, self._settings().slots)
        return {
            "name": runner.model.name.short,
            "model": runner.model.name.short,
            "size": size,
            "digest": DIGEST,
            "details": details(),
            "expires_at": timestamp(runner.expires),
            "size_vram": size if self._settings().processor == "gpu" else 0,
            "context_length": context,
        }


def _ring(visit: Visit) -> None:
    if visit.bell:
        visit.bell.ring()
